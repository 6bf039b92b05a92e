// SPDX-License-Identifier: MIT
#include "help/type_help.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "backplane/accelerator.h"
#include "help/packages.h"

namespace backplane::host {

namespace {

std::string usability(const Value& accelerator) {
  if (const Value* const reason = accelerator.find("reason"))
    return "not usable: " + reason->as_string();
  const Value* const remark = accelerator.find("remark");
  return remark == nullptr ? "usable" : "usable; " + remark->as_string();
}

// What is said where there are none: what to install, if that is known.
std::string none_installed(const Kind& kind) {
  const std::string install = install_one_of(packages_of_kind(kind, Having::Known));
  return fmt::format("no {}s are installed{}{}\n", kind.noun, install.empty() ? "" : ": ", install);
}

bool runs_guests_here(const Value& accelerator) {
  return accelerator.find("usable")->as_bool() &&
         accelerator.find("name")->as_string() != kAcceleratorForTests;
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
  if (text.empty()) return none_installed(kAccelKind);
  text.insert(0, "installed accelerators:\n");
  if (std::ranges::any_of(listing.find("accelerators")->as_list(), runs_guests_here)) return text;
  const std::string install = install_one_of(packages_of_kind(kAccelKind, Having::Missing));
  return text + "none of them runs a guest here" + (install.empty() ? "" : ": ") + install + "\n";
}

std::string kind_help(const Value& listing, const Kind& kind) {
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
  return lines.empty() ? none_installed(kind) : fmt::format("{}s:\n{}", kind.noun, lines);
}

}  // namespace backplane::host
