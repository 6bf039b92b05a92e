// SPDX-License-Identifier: MIT
#include "gdb/target_description.h"

#include <fmt/format.h>

namespace backplane::host::gdb {

std::string describe_target(const DebugTarget& target) {
  std::string xml = fmt::format(
      "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
      "<target version=\"1.0\">\n<architecture>{}</architecture>\n",
      target.architecture());
  for (const DebugFeature& feature : target.features()) {
    xml += fmt::format("<feature name=\"{}\">\n{}", feature.name, feature.types);
    for (const DebugRegister& r : feature.registers)
      xml += fmt::format("<reg name=\"{}\" bitsize=\"{}\" type=\"{}\"{}/>\n", r.name, r.bits,
                         r.type, r.group.empty() ? "" : fmt::format(" group=\"{}\"", r.group));
    xml += "</feature>\n";
  }
  return xml + "</target>\n";
}

std::vector<unsigned> register_sizes(const DebugTarget& target) {
  std::vector<unsigned> sizes;
  for (const DebugFeature& feature : target.features())
    for (const DebugRegister& r : feature.registers) sizes.push_back((r.bits + 7u) / 8);
  return sizes;
}

}  // namespace backplane::host::gdb
