// SPDX-License-Identifier: MIT
// The DSDT: what of the board the operating system cannot find by itself.
#pragma once

#include <vector>

#include "acpi/aml.h"
#include "backplane/pci/pci_bus.h"
#include "board/memory_map.h"

namespace backplane::pc {

// What the tables describe that differs from one machine to the next.
struct AcpiBoard {
  MemoryMap memory;
  // Where the power management ports are.
  u16 pm_ports = 0;
  std::vector<u32> apic_ids;  // of the CPUs
  // Which serial ports exist, by index.
  std::vector<unsigned> serials;
  const PciIrqRouter* pci_wiring = nullptr;
};

// The definition block without its table header.
aml::Bytes build_dsdt(const AcpiBoard& board);

}  // namespace backplane::pc
