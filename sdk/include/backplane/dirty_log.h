// SPDX-License-Identifier: MIT
// Which pages of guest RAM were written.
#pragma once

#include <memory>
#include <vector>

#include "backplane/memory.h"

namespace backplane {

// Remembers the pages of a block that the guest or a device writes while this object lives. Machine
// lock. A write that a vCPU's thread is making for the guest meanwhile may be missed: what has to
// be exact is asked while the machine is stopped.
class DirtyLog {
 public:
  // Throws Error if the accelerator cannot tell what the guest writes, or if the block has a log.
  DirtyLog(AddressSpace& space, std::shared_ptr<RamBlock> block);
  ~DirtyLog();
  DirtyLog(const DirtyLog&) = delete;
  DirtyLog& operator=(const DirtyLog&) = delete;

  // Offsets in the block of the pages written since the last call, ascending.
  std::vector<u64> take();

 private:
  template <class Each>
  void for_each_range(Each each) const;

  AddressSpace& space_;
  std::shared_ptr<RamBlock> block_;
};

}  // namespace backplane
