// SPDX-License-Identifier: MIT
// Addresses for network cards; all modules that have some give them out in this way.
#pragma once

#include <set>
#include <string>

#include "backplane/machine.h"
#include "backplane/netdev.h"

namespace backplane {

namespace detail {

inline void collect_mac_addresses(const Object& root, std::set<std::string>& taken) {
  if (root.object_class().find_property("mac") != nullptr) taken.insert(root.get_property("mac"));
  for (const auto& child : root.children()) collect_mac_addresses(*child, taken);
}

}  // namespace detail

// An address for a network card that the user gave none: 52:54:00:12:34:56, or the next one that
// no network card of the machine has, by its property "mac". Machine lock.
inline MacAddress free_mac_address(const Machine& machine) {
  std::set<std::string> taken;
  detail::collect_mac_addresses(machine, taken);
  MacAddress address{{0x52, 0x54, 0x00, 0x12, 0x34, 0x56}};
  while (taken.contains(PropertyTraits<MacAddress>::print(address))) ++address.bytes[5];
  return address;
}

}  // namespace backplane
