// SPDX-License-Identifier: MIT
// The ACPI tables of the PC, as they are before they have an address.
// [ACPI 6.4 5.2 "ACPI System Description Tables"]
#pragma once

#include <vector>

#include "acpi/aml.h"
#include "backplane/types.h"

namespace backplane::pc {

// What tables are placed at multiples of.
constexpr u64 kTableAlignment = 64;

// In two parts, for firmware puts the RSDP apart from what it points to. Each pointer holds an
// offset into the body; whoever places them adds the body's address, then makes the checksums.
struct AcpiTables {
  enum class Part : u8 { Root, Body };
  struct Pointer {
    Part part;
    u32 offset;
    u8 size;
  };
  // The byte at `offset`, now 0, makes [start, start + length) of the same part sum up to 0.
  struct Checksum {
    Part part;
    u32 offset, start, length;
  };

  std::vector<u8> root;  // the RSDP
  std::vector<u8> body;
  std::vector<Pointer> pointers;
  std::vector<Checksum> checksums;
};

// What the tables describe that differs from one machine to the next.
struct AcpiBoard {
  // Where the power management ports are.
  u16 pm_ports = 0;
  std::vector<u32> apic_ids;  // of the CPUs
  aml::Bytes definitions;     // of the DSDT
  bool hpet = true;           // there is one
};

// The same board always has tables of the same size, wherever its ports are.
AcpiTables build_acpi_tables(const AcpiBoard& board);

struct PlacedAcpiTables {
  u64 base = 0;  // address of the image; the RSDP is at its start
  std::vector<u8> image;

  u64 rsdp() const { return base; }
};

// As firmware would have placed them, from `base` (a multiple of kTableAlignment) on.
PlacedAcpiTables place_acpi_tables(const AcpiTables& tables, u64 base);

}  // namespace backplane::pc
