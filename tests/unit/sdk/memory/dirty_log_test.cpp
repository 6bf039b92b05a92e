// SPDX-License-Identifier: MIT
#include "backplane/dirty_log.h"

#include <gtest/gtest.h>

#include "backplane/error.h"

namespace backplane {
namespace {

// An accelerator whose guest wrote what the test says.
struct Keeper final : MemoryListener {
  bool keeps_dirty_log() const override { return true; }
  void dirty_log_started(const FlatRange&) override { ++logged_ranges; }
  void dirty_log_stopped(const FlatRange&) override { --logged_ranges; }
  void collect_dirty(const FlatRange& range) override {
    for (const u64 address : written)
      if (address >= range.start && address - range.start < range.size)
        range.block->mark_written(range.block_offset + (address - range.start), 1);
  }
  std::vector<u64> written;  // guest addresses
  int logged_ranges = 0;
};

class DirtyLogTest : public testing::Test {
 protected:
  DirtyLogTest() {
    root->add_subregion(0x10000, *ram);
    root->add_subregion(0x40000, *alias);
    space.add_listener(keeper);
  }

  std::unique_ptr<MemoryRegion> root = MemoryRegion::container("root", MemoryRegion::kMaxSize);
  std::shared_ptr<RamBlock> block = std::make_shared<RamBlock>("ram", 8 * kPageSize);
  std::unique_ptr<MemoryRegion> ram = MemoryRegion::ram("ram", block, 0, 8 * kPageSize);
  std::unique_ptr<MemoryRegion> alias =
      MemoryRegion::alias("alias", *ram, 4 * kPageSize, 2 * kPageSize);
  AddressSpace space{"space", *root};
  Keeper keeper;
};

using Pages = std::vector<u64>;

TEST_F(DirtyLogTest, TellsWhatTheGuestWroteWhereverItSawIt) {
  DirtyLog log(space, block);
  EXPECT_EQ(keeper.logged_ranges, 2);
  keeper.written = {0x10000, 0x13fff, 0x41000};
  EXPECT_EQ(log.take(), (Pages{0, 3 * kPageSize, 5 * kPageSize}));
  keeper.written.clear();
  EXPECT_EQ(log.take(), Pages{});
}

TEST_F(DirtyLogTest, TellsWhatADeviceWrote) {
  DirtyLog log(space, block);
  const u16 value = 1;
  space.write(0x11fff, &value, sizeof value);
  EXPECT_EQ(log.take(), (Pages{kPageSize, 2 * kPageSize}));
}

TEST_F(DirtyLogTest, WhatWasWrittenBeforeDoesNotCount) {
  space.store<u8>(0x10000, 1);
  DirtyLog log(space, block);
  EXPECT_EQ(log.take(), Pages{});
}

TEST_F(DirtyLogTest, EndsWithTheObject) {
  { DirtyLog log(space, block); }
  EXPECT_EQ(keeper.logged_ranges, 0);
  EXPECT_FALSE(block->logs_writes());
}

TEST_F(DirtyLogTest, ASecondOneIsRefused) {
  DirtyLog log(space, block);
  EXPECT_THROW(DirtyLog(space, block), Error);
}

TEST_F(DirtyLogTest, AnAcceleratorThatKeepsNoneIsAnError) {
  space.remove_listener(keeper);
  EXPECT_THROW(DirtyLog(space, block), Error);
}

}  // namespace
}  // namespace backplane
