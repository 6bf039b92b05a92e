// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "backplane/error.h"
#include "backplane/memory.h"

namespace backplane {
namespace {

u64 bytes_held(const RamBlock& block) {
  struct stat info {};
  fstat(block.fd(), &info);
  return static_cast<u64>(info.st_blocks) * 512;
}

TEST(RamBlock, IsZeroAndARoundNumberOfPages) {
  const RamBlock block("ram", 5000);
  EXPECT_EQ(block.size(), 2 * kPageSize);
  EXPECT_EQ(block.host()[block.size() - 1], 0);
}

TEST(RamBlock, CostsNothingUntilTouched) {
  const RamBlock block("ram", 1_GiB);
  EXPECT_EQ(bytes_held(block), 0U);
}

TEST(RamBlock, RefusesImpossibleSizes) {
  EXPECT_THROW(RamBlock("ram", 0), Error);
  EXPECT_THROW(RamBlock("ram", ~u64{0}), Error);
  EXPECT_THROW(RamBlock("ram", u64{1} << 62), Error);
}

TEST(RamBlock, DiscardGivesPagesBackAsZero) {
  RamBlock block("ram", 16 * kPageSize);
  std::fill(block.host(), block.host() + block.size(), u8{0xaa});
  EXPECT_EQ(bytes_held(block), block.size());
  block.discard(4 * kPageSize, 8 * kPageSize);
  EXPECT_EQ(bytes_held(block), 8 * kPageSize);
  EXPECT_EQ(block.host()[4 * kPageSize], 0);
  EXPECT_EQ(block.host()[4 * kPageSize - 1], 0xaa);
  EXPECT_EQ(block.host()[12 * kPageSize], 0xaa);
}

TEST(RamBlock, DiscardTouchesOnlyWholePagesInside) {
  RamBlock block("ram", 4 * kPageSize);
  std::fill(block.host(), block.host() + block.size(), u8{0xaa});
  block.discard(1, 2 * kPageSize - 2);
  EXPECT_EQ(block.host()[0], 0xaa);
  EXPECT_EQ(block.host()[kPageSize], 0xaa);
  block.discard(3 * kPageSize, ~u64{0});
  EXPECT_EQ(block.host()[3 * kPageSize], 0);
  block.discard(~u64{0} - 100, 50);
  EXPECT_EQ(block.host()[kPageSize], 0xaa);
}

TEST(RamBlock, DiscardReportsCode) {
  RamBlock block("ram", 4 * kPageSize);
  unsigned reports = 0;
  block.set_code_write_hook([&](RamBlock&, u64, u64) { ++reports; });
  block.page_flags(kPageSize) = RamBlock::kHasCode;
  block.discard(0, kPageSize);
  EXPECT_EQ(reports, 0U);
  block.discard(kPageSize, kPageSize);
  EXPECT_EQ(reports, 1U);
}

}  // namespace
}  // namespace backplane
