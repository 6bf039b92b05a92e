// SPDX-License-Identifier: MIT
#include "help/device_help.h"

#include <fmt/ranges.h>

#include <map>

#include "backplane/module.h"

namespace backplane::host {

namespace {

// Files too damaged to say what they have, with what they should have.
std::string unreadable_modules() {
  const ModuleIndex& index = ModuleIndex::instance();
  std::string text;
  for (const KnownModule& known : known_modules()) {
    const ModuleRecord* module = index.find(known.module);
    if (module == nullptr || !module->types.empty()) continue;
    const std::string reason = index.unavailable_reason(*module);
    if (!reason.empty())
      text += fmt::format("  {}\n    (it should have: {})\n", reason, fmt::join(known.types, ", "));
  }
  return text;
}

}  // namespace

std::string device_help() {
  std::map<std::string, std::string> groups;
  std::string unavailable;
  for (const auto& listing : ModuleIndex::instance().list_types("device")) {
    if (listing.abstract || listing.board_only) continue;
    if (!listing.unavailable.empty()) {
      unavailable += fmt::format("  {}: {}\n", listing.name, listing.unavailable);
      continue;
    }
    std::string line = fmt::format("  {:<24}", listing.name);
    if (!listing.bus.empty()) line += fmt::format(" bus {:<10}", listing.bus);
    if (!listing.description.empty()) line += " " + listing.description;
    if (listing.module != nullptr) line += fmt::format(" [{}]", listing.module->name);
    groups[listing.category.empty() ? "Misc" : listing.category] += line + "\n";
  }
  std::string text;
  for (const auto& [category, lines] : groups)
    text += fmt::format("{}{} devices:\n{}", text.empty() ? "" : "\n", category, lines);
  unavailable += unreadable_modules();
  if (!unavailable.empty()) text += "\nNot available:\n" + unavailable;
  return text.empty() ? "no devices are installed\n" : text;
}

}  // namespace backplane::host
