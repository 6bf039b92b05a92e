// SPDX-License-Identifier: MIT
#include "pflash/cfi_flash.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace backplane::pc {
namespace {

class CfiFlashTest : public ::testing::Test {
 protected:
  void write(u64 offset, std::initializer_list<u8> values) {
    for (const u8 value : values) chip.write(offset, value);
  }

  std::vector<u8> bytes = std::vector<u8>(2 * CfiFlash::kBlockSize, 0xff);
  std::vector<std::pair<u64, u64>> changes;
  bool shows_contents = true;
  CfiFlash chip{bytes, false, [this](bool shows) { shows_contents = shows; },
                [this](u64 offset, u64 size) { changes.emplace_back(offset, size); }};
};

TEST_F(CfiFlashTest, ProgrammingClearsBitsAndErasingSetsThem) {
  write(5, {0x40, 0xf0, 0x10, 0x3c, 0xff});
  EXPECT_EQ(bytes[5], 0x30);
  bytes[CfiFlash::kBlockSize] = 0;
  write(7, {0x20, 0xd0, 0xff});
  EXPECT_EQ(bytes[5], 0xff);
  EXPECT_EQ(bytes[CfiFlash::kBlockSize], 0);
  EXPECT_EQ(changes, (std::vector<std::pair<u64, u64>>{{5, 1}, {5, 1}, {0, CfiFlash::kBlockSize}}));
}

// By which OVMF tells it from RAM and from ROM.
TEST_F(CfiFlashTest, ShowsAClearedStatusAsZeroes) {
  write(16, {0x50});
  EXPECT_TRUE(shows_contents);
  write(16, {0x70});
  EXPECT_FALSE(shows_contents);
  EXPECT_EQ(chip.read(16), 0x00);
  write(16, {0xff});
  EXPECT_TRUE(shows_contents);
}

TEST_F(CfiFlashTest, ErasesOnlyWhatIsConfirmed) {
  bytes[1] = 0x12;
  write(0, {0x20, 0x70});
  EXPECT_EQ(bytes[1], 0x12);
  EXPECT_EQ(chip.read(0) & 0x30, 0x30);
}

TEST_F(CfiFlashTest, ProgramsABufferAtOnce) {
  chip.write(0x10, 0xe8);
  chip.write(0x10, 2);
  chip.write(0x10, 'a');
  chip.write(0x11, 'b');
  chip.write(0x12, 'c');
  EXPECT_TRUE(changes.empty());
  chip.write(0x10, 0xd0);
  EXPECT_EQ(changes, (std::vector<std::pair<u64, u64>>{{0x10, 3}}));
  EXPECT_EQ(bytes[0x12], 'c');
}

TEST_F(CfiFlashTest, ABufferDoesNotReachBeyondItsEnd) {
  const u64 last = bytes.size() - 1;
  chip.write(last, 0xe8);
  chip.write(last, 3);
  for (unsigned i = 0; i < 4; ++i) chip.write(last, 'x');
  chip.write(last, 0xd0);
  EXPECT_EQ(changes, (std::vector<std::pair<u64, u64>>{{last, 1}}));
}

TEST_F(CfiFlashTest, SaysWhatItIs) {
  write(0, {0x90});
  EXPECT_EQ(chip.read(0), 0x89);
  write(0, {0x98});
  EXPECT_EQ(chip.read(0x10), 'Q');
  EXPECT_EQ(1u << chip.read(0x27), bytes.size());
}

TEST(ReadOnlyCfiFlash, StaysAsItIs) {
  std::vector<u8> bytes(CfiFlash::kBlockSize, 0xa5);
  CfiFlash chip(
      bytes, true, [](bool) {}, [](u64, u64) { FAIL(); });
  chip.write(0, 0x20);
  chip.write(0, 0xd0);
  EXPECT_EQ(bytes[0], 0xa5);
  EXPECT_EQ(chip.read(0) & 0x22, 0x22);
  chip.write(0, 0x40);
  chip.write(0, 0x00);
  EXPECT_EQ(bytes[0], 0xa5);
}

}  // namespace
}  // namespace backplane::pc
