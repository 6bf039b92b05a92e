// SPDX-License-Identifier: MIT
#include "cache/code_cache.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>

namespace backplane::tcg {
namespace {

Block& publish(CodeCache& cache, const std::shared_ptr<RamBlock>& ram, u16 offset, u16 size = 1,
               bool page_follows_itself = false) {
  Block& block = cache.create();
  block.host_pc = ram->host() + offset;
  block.offset = offset;
  block.size = size;
  const bool straddles = offset + size > kPageSize;
  if (straddles) block.second_page = ram->host() + (page_follows_itself ? 0 : kPageSize);
  Assembler& a = cache.assembler();
  a.align_entry();
  block.entry = block.retired_entry = a.here();
  a.dq(0);
  cache.publish(block, ram, 0, straddles ? ram : nullptr, page_follows_itself ? 0 : kPageSize);
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

TEST(CodeCache, FindsWhatIsThereWhateverComesAndGoes) {
  CodeCache cache(64_MiB);
  constexpr u32 kModes = 3;
  constexpr u64 kSize = 8 * kPageSize;
  auto ram = std::make_shared<RamBlock>("ram", kSize);
  std::map<std::pair<const u8*, u32>, Block*> known;
  std::mt19937 random{20261129};
  for (unsigned turn = 0; turn < 60'000; ++turn) {
    const u64 page = random() % (kSize / kPageSize) * kPageSize;
    const u16 offset = static_cast<u16>(random() % kPageSize);
    const u8* const pc = ram->host() + page + offset;
    if (random() % 3 == 0) {
      cache.invalidate(ram->host() + page, offset, 1);
      for (u32 mode = 0; mode < kModes; ++mode) known.erase({pc, mode});
      continue;
    }
    const Mode mode{static_cast<u32>(random() % kModes)};
    if (known.contains({pc, mode.bits})) continue;
    Block& block = cache.create();
    block.host_pc = pc;
    block.mode = mode;
    block.offset = offset;
    block.size = 1;
    Assembler& a = cache.assembler();
    a.align_entry();
    block.entry = block.retired_entry = a.here();
    a.dq(0);
    cache.publish(block, ram, page, nullptr, 0);
    known[{pc, mode.bits}] = &block;
  }
  EXPECT_GT(known.size(), 10'000u);
  for (u64 at = 0; at < kSize; ++at)
    for (u32 mode = 0; mode < kModes; ++mode) {
      const auto found = known.find({ram->host() + at, mode});
      ASSERT_EQ(cache.find(ram->host() + at, Mode{mode}),
                found == known.end() ? nullptr : found->second);
    }
}

// Data beside code, as in 16-bit programs: each write to it comes by.
TEST(CodeCache, ComparesAWriteWithTheBlocksNearItOnly) {
  CodeCache cache(8_MiB);
  auto ram = std::make_shared<RamBlock>("ram", kPageSize);
  constexpr unsigned kDistance = 8, kPerGranule = kGranule / kDistance;
  for (unsigned offset = 0; offset < kPageSize; offset += kDistance)
    publish(cache, ram, static_cast<u16>(offset), 4);
  auto examined = [&, before = u64{0}]() mutable {
    return cache.counters().examined - std::exchange(before, cache.counters().examined);
  };
  for (unsigned n = 0; n < 100; ++n) EXPECT_EQ(cache.invalidate(ram->host(), 0x806, 2), 0u);
  EXPECT_EQ(examined(), 100 * kPerGranule);
  EXPECT_EQ(cache.invalidate(ram->host(), 0x803, 2), 1u);
  EXPECT_EQ(examined(), kPerGranule);
  EXPECT_EQ(cache.invalidate(ram->host(), 0x800, 8), 0u);
  EXPECT_EQ(examined(), kPerGranule - 1);
}

TEST(CodeCache, ForgetsABlockByAnyOfItsBytes) {
  constexpr u16 kAt = 0x730, kBytes = 0x95;
  auto ram = std::make_shared<RamBlock>("ram", kPageSize);
  for (u16 byte = kAt - 1; byte <= kAt + kBytes; ++byte) {
    CodeCache cache(8_MiB);
    const Block& block = publish(cache, ram, kAt, kBytes);
    publish(cache, ram, kAt + kBytes - 1 + kGranule);
    const bool within = byte >= kAt && byte < kAt + kBytes;
    EXPECT_EQ(cache.invalidate(ram->host(), byte, 1), within ? 1u : 0u) << byte;
    EXPECT_EQ(block.valid, !within);
    // All of its granules are free of it.
    EXPECT_EQ(cache.has_code(ram->host(), kAt, kBytes), !within);
    EXPECT_TRUE(cache.has_blocks(ram->host()));
  }
}

TEST(CodeCache, ForgetsABlockOfTwoPagesInBoth) {
  CodeCache cache(8_MiB);
  auto ram = std::make_shared<RamBlock>("ram", 2 * kPageSize);
  for (const u64 page : {u64{0}, kPageSize}) {
    publish(cache, ram, kPageSize - 3, 7);
    EXPECT_EQ(cache.invalidate(ram->host() + page, page == 0 ? kPageSize - 1 : 3, 1), 1u);
    EXPECT_FALSE(cache.has_blocks(ram->host()));
    EXPECT_FALSE(cache.has_blocks(ram->host() + kPageSize));
  }
  publish(cache, ram, kPageSize - 3, 7, true);
  EXPECT_EQ(cache.invalidate(ram->host(), 3, 1), 1u);
  EXPECT_FALSE(cache.has_blocks(ram->host()));
}

}  // namespace
}  // namespace backplane::tcg
