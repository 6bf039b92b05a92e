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

constexpr std::string_view kEveryGroup;

struct DeviceLines {
  std::map<std::string, std::string> groups;
  std::string unavailable;
};

DeviceLines lines_of(std::string_view category) {
  DeviceLines lines;
  for (const auto& listing : ModuleIndex::instance().list_types("device")) {
    if (listing.abstract || listing.board_only) continue;
    const std::string group = listing.category.empty() ? "Misc" : listing.category;
    if (category != kEveryGroup && group != category) continue;
    if (!listing.unavailable.empty()) {
      lines.unavailable += fmt::format("  {}: {}\n", listing.name, listing.unavailable);
      continue;
    }
    std::string line = fmt::format("  {:<24}", listing.name);
    if (!listing.bus.empty()) line += fmt::format(" bus {:<10}", listing.bus);
    if (!listing.description.empty()) line += " " + listing.description;
    if (listing.module != nullptr) line += fmt::format(" [{}]", listing.module->name);
    lines.groups[group] += line + "\n";
  }
  return lines;
}

std::string text_of(const DeviceLines& lines) {
  std::string text;
  for (const auto& [group, devices] : lines.groups)
    text += fmt::format("{}{} devices:\n{}", text.empty() ? "" : "\n", group, devices);
  if (!lines.unavailable.empty()) text += "\nNot available:\n" + lines.unavailable;
  return text.empty() ? "no devices are installed\n" : text;
}

}  // namespace

std::string device_help() {
  DeviceLines lines = lines_of(kEveryGroup);
  lines.unavailable += unreadable_modules();
  return text_of(lines);
}

std::string device_help(std::string_view category) { return text_of(lines_of(category)); }

}  // namespace backplane::host
