// SPDX-License-Identifier: MIT
// The ACPI tables of the PC as one image for guest memory.
// [ACPI 6.4 5.2 "ACPI System Description Tables"]
#pragma once

#include <vector>

#include "acpi/dsdt.h"
#include "backplane/types.h"

namespace backplane::pc {

// Where the power management ports are: what firmware programs into the PIIX4.
constexpr u16 kPmPorts = 0x600;

struct AcpiTables {
  u64 base = 0;  // address of the image; the RSDP is at its start
  std::vector<u8> image;

  u64 rsdp() const { return base; }
};

// Lays the tables out from `base` (a multiple of 64).
AcpiTables build_acpi_tables(const AcpiBoard& board, u64 base);

}  // namespace backplane::pc
