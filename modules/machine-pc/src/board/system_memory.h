// SPDX-License-Identifier: MIT
// The machine's RAM in its places: below the video window, above it, after the hole for devices.
#pragma once

#include <memory>
#include <vector>

#include "backplane/memory.h"
#include "board/memory_map.h"

namespace backplane::pc {

class SystemMemory {
 public:
  // Throws Error if the host cannot provide that much.
  SystemMemory(MemoryRegion& root, const MemoryMap& map);

  const std::shared_ptr<RamBlock>& block() const { return block_; }

 private:
  void add(MemoryRegion& root, const char* name, u64 address, u64 offset, u64 size);

  std::shared_ptr<RamBlock> block_;
  std::vector<std::unique_ptr<MemoryRegion>> regions_;
};

}  // namespace backplane::pc
