// SPDX-License-Identifier: MIT
#include "help/type_help.h"

#include <fmt/format.h>

#include <filesystem>
namespace backplane::host {

namespace {

std::string usability(const Value& accelerator) {
  if (const Value* const reason = accelerator.find("reason"))
    return "not usable: " + reason->as_string();
  const Value* const remark = accelerator.find("remark");
  return remark == nullptr ? "usable" : "usable; " + remark->as_string();
}

}  // namespace

std::string accelerator_help(const Value& listing) {
  std::string text;
  for (const Value& accelerator : listing.find("accelerators")->as_list()) {
    const std::filesystem::path file = accelerator.find("file")->as_string();
    text += fmt::format("  {:<8} {:<18} {}\n", accelerator.find("name")->as_string(),
                        file.empty() ? "(in the program)" : file.filename().string(),
                        usability(accelerator));
  }
  return text.empty() ? "no accelerators are installed\n" : "installed accelerators:\n" + text;
}

std::string kind_help(const Value& listing, std::string_view noun) {
  std::string lines;
  for (const Value& entry : listing.find("types")->as_list()) {
    lines += fmt::format("  {:<16} {}", entry.find("name")->as_string(),
                         entry.find("description")->as_string());
    if (const std::string& module = entry.find("module")->as_string(); !module.empty())
      lines += fmt::format(" [{}]", module);
    if (const Value* const reason = entry.find("reason"))
      lines += fmt::format(" (not usable: {})", reason->as_string());
    lines += "\n";
  }
  return lines.empty() ? fmt::format("no {}s are installed\n", noun)
                       : fmt::format("{}s:\n{}", noun, lines);
}

}  // namespace backplane::host
