// SPDX-License-Identifier: MIT
#include "board/system_memory.h"

namespace backplane::pc {

SystemMemory::SystemMemory(MemoryRegion& root, const MemoryMap& map)
    : block_(std::make_shared<RamBlock>("ram", map.ram)) {
  const MemoryRegion::Batch batch;
  // The RAM behind the video window is lost: nothing answers there.
  add(root, "ram conventional", 0, 0, kVideoStart);
  add(root, "ram low", kVideoEnd, kVideoEnd, map.low_ram() - kVideoEnd);
  if (map.high_ram() != 0) add(root, "ram high", 4_GiB, map.low_ram(), map.high_ram());
}

void SystemMemory::add(MemoryRegion& root, const char* name, u64 address, u64 offset, u64 size) {
  regions_.push_back(MemoryRegion::ram(name, block_, offset, size));
  root.add_subregion(address, *regions_.back());
}

}  // namespace backplane::pc
