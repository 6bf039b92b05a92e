// SPDX-License-Identifier: MIT
// "cfi.pflash01": flash memory below 4 GiB, whose contents are a block node's.
#pragma once

#include <memory>

#include "backplane/block_queue.h"
#include "backplane/device.h"
#include "backplane/device_memory.h"
#include "backplane/memory.h"
#include "pflash/cfi_flash.h"

namespace backplane::pc {

class Pflash final : public Device, public DeviceMemory {
  BACKPLANE_OBJECT(Pflash, Device, "cfi.pflash01")
 public:
  static void class_init(DeviceClass& k);

  // Throws Error if flash memory cannot have as much as the node.
  static void check_size(const BlockNode& contents);

  const std::shared_ptr<RamBlock>& contents() const { return contents_; }

  std::vector<std::shared_ptr<RamBlock>> device_memory() const override {
    return contents_ == nullptr ? std::vector<std::shared_ptr<RamBlock>>{}
                                : std::vector<std::shared_ptr<RamBlock>>{contents_};
  }

  void realize();
  void unrealize();
  void reset() override;
  void settle() override;
  void loaded() override;
  std::string describe() const override;

 private:
  u64 read(u64 offset, unsigned size);
  void write(u64 offset, u64 value, unsigned size);
  void mode_changed(bool reads_contents);
  void changed(u64 offset, u64 size);
  void mark_dirty(u64 start, u64 end);
  void write_back();
  void write_everything_back();

  BackendLink<BlockNode> drive_;
  u64 end_ = 0;  // address of the first byte behind it
  std::shared_ptr<RamBlock> contents_;
  std::unique_ptr<CfiFlash> chip_;
  std::unique_ptr<MemoryRegion> array_;      // while it shows its contents
  std::unique_ptr<MemoryRegion> registers_;  // while it answers itself
  std::unique_ptr<BlockQueue> disk_;
  // What the node does not have yet, in whole sectors; empty: nothing.
  u64 dirty_start_ = 0, dirty_end_ = 0;
  // One write at a time: those that overlap must not overtake each other, nor pile up.
  bool writing_ = false;
};

}  // namespace backplane::pc
