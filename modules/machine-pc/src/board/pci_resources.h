// SPDX-License-Identifier: MIT
// What firmware does on the PCI bus before it hands over: gives every BAR an address, routes
// interrupts, switches decoding on. All through configuration space, as firmware would.
// [PCI 3.0 6.2.5.1 "Address Maps"]
#pragma once

#include "backplane/pci/pci_bus.h"
#include "board/memory_map.h"

namespace backplane::pc {

// A BAR that fits in no window stays unassigned, its decoding off. The expansion ROM stays off.
void assign_pci_resources(PciBus& bus, const MemoryMap& map);

// Routes PIRQ A to D to 8259 inputs (10 and 11 alternately) and tells each function its input in
// the interrupt line register.
void route_pci_interrupts(PciBus& bus, const PciIrqRouter& router, u8 bridge_devfn);

// The 8259 inputs that PCI interrupts use: to be level-triggered.
constexpr u8 kPciIrqs[] = {10, 11};
constexpr u8 pci_irq(unsigned pirq) { return kPciIrqs[pirq % 2]; }

}  // namespace backplane::pc
