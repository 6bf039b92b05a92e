// SPDX-License-Identifier: MIT
// Where things are in the PC's physical address space, and what of it is RAM.
// [ACPI 6.4 15 "System Address Map Interfaces"]
#pragma once

#include <algorithm>
#include <vector>

#include "backplane/types.h"

namespace backplane::pc {

// One range as firmware reports it; the values of `type` are those of the E820 interface.
struct MemoryRange {
  enum Type : u32 { kRam = 1, kReserved = 2 };
  u64 address = 0;
  u64 size = 0;
  Type type = kRam;
};

// Interrupt vectors of real mode and the BIOS data area.
constexpr u64 kBiosDataEnd = 0x500;
// Conventional memory ends where the extended BIOS data area begins.
constexpr u64 kConventionalEnd = 0x9fc00;
constexpr u64 kVideoStart = 0xa0000;  // the legacy video window: no RAM behind it
constexpr u64 kVideoEnd = 0xc0000;
constexpr u64 kFirmwareStart = 0xe0000;  // reserved, RAM all the same: tables come first
constexpr u64 kTablesEnd = 0xf0000;
constexpr u64 kSmbiosStart = 0xf0000;  // of that
constexpr u64 kFirmwareEnd = 0x100000;

// RAM ends here at the latest, and devices begin; the rest of RAM is above 4 GiB.
constexpr u64 kHoleStart = 0xc0000000;
// 32-bit memory BARs.
constexpr u64 kPciMemoryStart = kHoleStart;
constexpr u64 kPciMemoryEnd = 0xfec00000;
// 64-bit BARs that do not fit below begin at a multiple of this, after RAM.
constexpr u64 kPciMemory64Alignment = 1ULL << 30;
constexpr u64 kPciMemory64Size = 64ULL << 30;
// I/O BARs.
constexpr u16 kPciIoStart = 0xc000;
constexpr u32 kPciIoEnd = 0x10000;
// The power management ports, where no firmware puts them elsewhere.
constexpr u16 kPmPorts = 0x600;

struct MemoryMap {
  u64 ram = 0;  // bytes in all

  u64 low_ram() const { return std::min(ram, kHoleStart); }
  u64 high_ram() const { return ram - low_ram(); }
  // True if RAM answers at all of [address, address+size), reserved or not.
  bool is_ram(u64 address, u64 size) const {
    const auto inside = [=](u64 start, u64 end) {
      return address >= start && address <= end && size <= end - address;
    };
    return inside(0, kVideoStart) || inside(kVideoEnd, low_ram()) ||
           inside(4ULL << 30, (4ULL << 30) + high_ram());
  }
  // The first address after RAM above 4 GiB, rounded up for BARs.
  u64 pci_memory64_start() const {
    const u64 end = (4ULL << 30) + high_ram();
    return (end + kPciMemory64Alignment - 1) & ~(kPciMemory64Alignment - 1);
  }

  std::vector<MemoryRange> ranges() const {
    std::vector<MemoryRange> list = {
        {0, kConventionalEnd, MemoryRange::kRam},
        {kConventionalEnd, kVideoStart - kConventionalEnd, MemoryRange::kReserved},
        {kFirmwareStart, kFirmwareEnd - kFirmwareStart, MemoryRange::kReserved},
    };
    if (low_ram() > kFirmwareEnd)
      list.push_back({kFirmwareEnd, low_ram() - kFirmwareEnd, MemoryRange::kRam});
    if (high_ram() != 0) list.push_back({4ULL << 30, high_ram(), MemoryRange::kRam});
    return list;
  }
};

}  // namespace backplane::pc
