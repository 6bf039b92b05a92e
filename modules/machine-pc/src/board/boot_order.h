// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "backplane/pci/pci_bus.h"

namespace backplane::pc {

// What firmware is to boot from: the devices with a bootindex, the lowest first, as paths a line
// each, and nothing else; empty if no device has one. [bootorder]
std::string boot_order(const PciBus& bus);

}  // namespace backplane::pc
