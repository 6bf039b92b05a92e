// SPDX-License-Identifier: MIT
#include "cache/code_cache.h"

#include <gtest/gtest.h>

namespace backplane::tcg {
namespace {

Block& publish(CodeCache& cache, const std::shared_ptr<RamBlock>& ram, u16 offset) {
  Block& block = cache.create();
  block.host_pc = ram->host() + offset;
  block.offset = offset;
  block.size = 1;
  Assembler& a = cache.assembler();
  a.align_entry();
  block.near_entry = block.retired_entry = a.here();
  a.dq(0);
  cache.publish(block, ram, 0, nullptr, 0);
  return block;
}

// A device's ROM goes when the device is removed.
TEST(CodeCache, HoldsTheMemoryThatItsBlocksWereMadeFrom) {
  CodeCache cache(8_MiB);
  auto ram = std::make_shared<RamBlock>("rom", kPageSize);
  const std::weak_ptr<RamBlock> rom = ram;
  publish(cache, ram, 0x10);
  ram.reset();
  ASSERT_FALSE(rom.expired());
  EXPECT_NE(rom.lock()->page_flags(0) & RamBlock::kHasCode, 0);
  cache.flush();
  EXPECT_TRUE(rom.expired());
}

TEST(CodeCache, LetsGoOfThePageWithItsLastBlock) {
  CodeCache cache(8_MiB);
  auto ram = std::make_shared<RamBlock>("ram", kPageSize);
  publish(cache, ram, 0x10);
  publish(cache, ram, 0x800);
  EXPECT_EQ(cache.invalidate(ram->host(), 0x800, 1), 1u);
  EXPECT_TRUE(cache.has_blocks(ram->host()));
  EXPECT_EQ(ram.use_count(), 2);
  EXPECT_EQ(cache.invalidate(ram->host(), 0, kPageSize), 1u);
  EXPECT_FALSE(cache.has_blocks(ram->host()));
  EXPECT_EQ(ram.use_count(), 1);
  EXPECT_EQ(ram->page_flags(0) & RamBlock::kHasCode, 0);
}

}  // namespace
}  // namespace backplane::tcg
