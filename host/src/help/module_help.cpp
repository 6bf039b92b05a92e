// SPDX-License-Identifier: MIT
#include "help/module_help.h"

#include <fmt/format.h>

namespace backplane::host {

namespace {

std::string or_else(const Value& text, std::string_view otherwise) {
  return text.as_string().empty() ? std::string(otherwise) : text.as_string();
}

}  // namespace

std::string module_help(const Value& listing) {
  std::string text = fmt::format("{:<16} {:<10} {:<10} {}\n", "module", "version", "state", "file");
  for (const Value& module : listing.find("modules")->as_list()) {
    text += fmt::format("{:<16} {:<10} {:<10} {}\n", module.find("name")->as_string(),
                        or_else(*module.find("version"), "-"), module.find("state")->as_string(),
                        or_else(*module.find("file"), "(in the program)"));
    if (const Value* const reason = module.find("reason"))
      text += fmt::format("    {}\n", reason->as_string());
  }
  text += "searched:";
  for (const Value& directory : listing.find("searched")->as_list())
    text += fmt::format(" {}", directory.as_string());
  return text + "\n";
}

}  // namespace backplane::host
