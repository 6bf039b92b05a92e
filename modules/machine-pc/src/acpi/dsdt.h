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
  unsigned cpus = 1;
  // Which serial ports exist, by index.
  std::vector<unsigned> serials;
  const PciIrqRouter* pci_wiring = nullptr;
};

// The definition block without its table header.
aml::Bytes build_dsdt(const AcpiBoard& board);

}  // namespace backplane::pc
