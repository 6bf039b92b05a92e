// SPDX-License-Identifier: MIT
#include "mac_addresses.h"

#include <set>

#include "backplane/machine.h"

namespace backplane {

namespace {

void collect(const Object& root, std::set<std::string>& taken) {
  if (root.object_class().find_property("mac") != nullptr) taken.insert(root.get_property("mac"));
  for (const auto& child : root.children()) collect(*child, taken);
}

}  // namespace

MacAddress free_mac_address(const Machine& machine) {
  std::set<std::string> taken;
  collect(machine, taken);
  MacAddress address{{0x52, 0x54, 0x00, 0x12, 0x34, 0x56}};
  while (taken.contains(PropertyTraits<MacAddress>::print(address))) ++address.bytes[5];
  return address;
}

}  // namespace backplane
