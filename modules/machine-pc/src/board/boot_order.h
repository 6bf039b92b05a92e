// SPDX-License-Identifier: MIT
// What firmware may boot from, in the order of the devices' property bootindex.
#pragma once

#include <string>

#include "backplane/pci/pci_bus.h"

namespace backplane::pc {

// Paths by which SeaBIOS knows the devices, a line each, those with the lowest bootindex first;
// with `strict`, nothing else is to be tried then. Empty if none has one. [SeaBIOS "Runtime
// configuration", bootorder]
std::string boot_order(const PciBus& bus, bool strict);

}  // namespace backplane::pc
