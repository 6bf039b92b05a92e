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
  AddressSpace& space_;
  std::shared_ptr<RamBlock> block_;
};

// The same for who shows what is in the block, beside a DirtyLog of somebody else's. A write that
// was missed is to a page that the same call of take() tells of: who shows the pages of the last
// call once more has missed none.
class DisplayLog {
 public:
  // Whether the accelerator can tell; where it cannot, the constructor throws Error.
  static bool possible(const AddressSpace& space) { return !space.dirty_log_keepers().empty(); }

  DisplayLog(AddressSpace& space, std::shared_ptr<RamBlock> block);
  ~DisplayLog();
  DisplayLog(const DisplayLog&) = delete;
  DisplayLog& operator=(const DisplayLog&) = delete;

  std::vector<u64> take();

 private:
  AddressSpace& space_;
  std::shared_ptr<RamBlock> block_;
};

}  // namespace backplane
