// SPDX-License-Identifier: MIT
#include "help/property_help.h"

namespace backplane::host {

std::string property_help(const ObjectClass& type, std::string_view noun) {
  const auto properties = describe_properties(type);
  if (properties.empty()) return fmt::format("{} has no properties\n", noun);
  std::string text = fmt::format("{} properties:\n", noun);
  for (const PropertyDescription& property : properties) {
    text += fmt::format("  {:<28} {}", fmt::format("{}=<{}>", property.name, property.type_name),
                        property.description);
    const std::string initially = property_text(*property.shape, property.default_value);
    if (property.read_only)
      text += " (read-only)";
    else if (!initially.empty())
      text += fmt::format(" (default: {})", initially);
    text += "\n";
  }
  return text;
}

}  // namespace backplane::host
