// SPDX-License-Identifier: MIT
#include "commands/memory_tree.h"

#include <fmt/format.h>

namespace backplane::host {

namespace {

std::string addresses(const Value& from) {
  return fmt::format("{:016x}-{:016x}", from.find("start")->as_unsigned(),
                     from.find("end")->as_unsigned());
}

void print_region(const Value& region, unsigned depth, std::string& text) {
  text += fmt::format("{:{}}{} (prio {}, {}): {}", "", depth * 2, addresses(region),
                      region.find("priority")->as_signed(), region.find("kind")->as_string(),
                      region.find("name")->as_string());
  if (const Value* const alias = region.find("alias"))
    text += fmt::format(" @{} {}", alias->find("name")->as_string(), addresses(*alias));
  text += region.find("enabled")->as_bool() ? "\n" : " [disabled]\n";
  if (const Value* const regions = region.find("regions"))
    for (const Value& inner : regions->as_list()) print_region(inner, depth + 1, text);
}

}  // namespace

std::string print_memory_trees(const Value& spaces) {
  std::string text;
  for (const Value& space : spaces.as_list()) {
    text += fmt::format("address-space: {}\n", space.find("name")->as_string());
    for (const Value& region : space.find("regions")->as_list()) print_region(region, 1, text);
    text += "  flat view:\n";
    for (const Value& range : space.find("view")->as_list()) {
      const u64 offset = range.find("offset")->as_unsigned();
      text += fmt::format("    {} ({}): {}{}\n", addresses(range), range.find("kind")->as_string(),
                          range.find("name")->as_string(),
                          offset != 0 ? fmt::format(" @{:016x}", offset) : "");
    }
  }
  return text;
}

}  // namespace backplane::host
