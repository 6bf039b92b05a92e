// SPDX-License-Identifier: MIT
#include "command/command_set.h"

#include <gtest/gtest.h>

namespace backplane::scsi {
namespace {

using Bytes = std::vector<u8>;
using Work = Outcome::Work;

Unit disk() { return {.type = kDisk, .product = "DISK", .serial = "S1", .size = 1000 * 512}; }
Unit cd() { return {.type = kCdDvd, .product = "CD-ROM", .size = 1000 * 2048, .read_only = true}; }
Outcome run(const Unit& unit, const Bytes& cdb, const Bytes& parameters = {}) {
  return execute(unit, cdb, parameters);
}

TEST(CommandSetTest, ReadsAndWritesOfEachLengthNameTheSamePart) {
  for (const Bytes& read :
       {Bytes{kRead6, 0, 0x01, 0x02, 3, 0}, Bytes{kRead10, 0, 0, 0, 0x01, 0x02, 0, 0, 3, 0},
        Bytes{kRead12, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 3, 0, 0},
        Bytes{kRead16, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 3, 0, 0}}) {
    for (const u8 to_write : {0, 2}) {
      Bytes cdb = read;
      cdb[0] = static_cast<u8>(cdb[0] + to_write);
      const Outcome outcome = run(disk(), cdb);
      EXPECT_EQ(outcome.work, to_write == 0 ? Work::Read : Work::Write) << int{cdb[0]};
      ASSERT_EQ(outcome.extents.size(), 1U);
      EXPECT_EQ(outcome.extents[0].offset, 258U * 512);
      EXPECT_EQ(outcome.extents[0].size, 3U * 512);
    }
  }
  EXPECT_EQ(run(disk(), {kRead6, 0, 0, 0, 0, 0}).extents[0].size, 256U * 512);
  EXPECT_EQ(run(disk(), {kRead10, 0, 0, 0, 0, 0, 0, 0, 0, 0}).work, Work::None);
}

TEST(CommandSetTest, WhatIsBeyondTheEndIsRefused) {
  EXPECT_EQ(run(disk(), {kRead10, 0, 0, 0, 0x03, 0xe7, 0, 0, 1, 0}).sense, kNoSense);
  EXPECT_EQ(run(disk(), {kRead10, 0, 0, 0, 0x03, 0xe7, 0, 0, 2, 0}).sense, kOutOfRange);
  EXPECT_EQ(
      run(disk(), {kRead16, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2, 0, 0})
          .sense,
      kOutOfRange);
}

TEST(CommandSetTest, NothingIsWrittenToWhatCanBeReadAlone) {
  Unit unit = disk();
  unit.read_only = true;
  for (const u8 operation : {kWrite10, kWriteSame10, kUnmap})
    EXPECT_EQ(run(unit, {operation, 0, 0, 0, 0, 0, 0, 0, 24, 0}, Bytes(512)).sense,
              kWriteProtected);
  EXPECT_EQ(run(cd(), {kWrite10, 0, 0, 0, 0, 0, 0, 0, 1, 0}).sense, kInvalidOperation);
}

TEST(CommandSetTest, ForcedWritesAreFlushed) {
  EXPECT_TRUE(run(disk(), {kWrite10, 0x08, 0, 0, 0, 0, 0, 0, 1, 0}).flush_after);
  EXPECT_FALSE(run(disk(), {kWrite10, 0, 0, 0, 0, 0, 0, 0, 1, 0}).flush_after);
  EXPECT_EQ(run(disk(), {kSynchronizeCache10}).work, Work::Flush);
}

TEST(CommandSetTest, InquirySaysWhoItIs) {
  const Outcome outcome = run(disk(), {kInquiry, 0, 0, 0, 255, 0});
  ASSERT_EQ(outcome.data.size(), 36U);
  EXPECT_EQ(std::string(outcome.data.begin() + 8, outcome.data.end()),
            "BACKPLNEDISK            1   ");
  EXPECT_EQ(run(disk(), {kInquiry, 0, 0, 0, 5, 0}).data.size(), 5U);
  EXPECT_EQ(run(disk(), {kInquiry, 1, 0x80, 0, 255, 0}).data, (Bytes{0, 0x80, 0, 2, 'S', '1'}));
  EXPECT_EQ(run(disk(), {kInquiry, 1, 0x99, 0, 255, 0}).sense, kInvalidField);
  EXPECT_EQ(run(disk(), {kInquiry, 0, 0x80, 0, 255, 0}).sense, kInvalidField);
  EXPECT_EQ(run(cd(), {kInquiry, 0, 0, 0, 255, 0}).data[1], 0x80);
}

TEST(CommandSetTest, CapacityIsTheLastBlock) {
  EXPECT_EQ(run(disk(), {kReadCapacity10}).data, (Bytes{0, 0, 0x03, 0xe7, 0, 0, 2, 0}));
  EXPECT_EQ(run(cd(), {kReadCapacity10}).data, (Bytes{0, 0, 0x03, 0xe7, 0, 0, 8, 0}));
  Unit large = disk();
  large.size = u64{1} << 45;
  EXPECT_EQ(load(run(large, {kReadCapacity10}).data, 0, 4), 0xffff'ffffU);
  const Outcome outcome =
      run(large, {kServiceActionIn16, kReadCapacity16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0});
  EXPECT_EQ(load(outcome.data, 0, 8), (u64{1} << 36) - 1);
  EXPECT_EQ(outcome.data.size(), 32U);
}

TEST(CommandSetTest, ModePagesSayWhetherThereIsACache) {
  Unit unit = disk();
  const Bytes sense{kModeSense6, 0x08, 0x08, 0, 255, 0};
  EXPECT_EQ(run(unit, sense).data[4 + 2], 0x04);
  unit.write_cache = false;
  EXPECT_EQ(run(unit, sense).data[4 + 2], 0x00);
  EXPECT_EQ(run(unit, {kModeSense6, 0, 0x3e, 0, 255, 0}).sense, kInvalidField);
  unit.read_only = true;
  EXPECT_EQ(run(unit, {kModeSense10, 0, 0x3f, 0, 0, 0, 0, 0, 255, 0}).data[3] & 0x80, 0x80);
}

TEST(CommandSetTest, ModesThatStayAsTheyAreCanBeSelected) {
  const Bytes pages = run(disk(), {kModeSense6, 0x08, 0x08, 0, 255, 0}).data;
  const u8 size = static_cast<u8>(pages.size());
  EXPECT_EQ(run(disk(), {kModeSelect6, 0x10, 0, 0, size, 0}, pages).sense, kNoSense);
  Bytes other = pages;
  other[6] = 0;
  EXPECT_EQ(run(disk(), {kModeSelect6, 0x10, 0, 0, size, 0}, other).sense, kInvalidParameter);
  other.resize(10);
  EXPECT_EQ(run(disk(), {kModeSelect6, 0x10, 0, 0, 10, 0}, other).sense, kParameterListLength);
}

TEST(CommandSetTest, UnmapNamesSeveralParts) {
  Bytes list(8 + 32);
  list[3] = 32;
  list[8 + 7] = 5;
  list[8 + 11] = 2;
  list[24 + 7] = 100;
  list[24 + 11] = 1;
  const Bytes cdb{kUnmap, 0, 0, 0, 0, 0, 0, 0, 40, 0};
  const Outcome outcome = run(disk(), cdb, list);
  EXPECT_EQ(outcome.work, Work::Unmap);
  ASSERT_EQ(outcome.extents.size(), 2U);
  EXPECT_EQ(outcome.extents[0].offset, 5U * 512);
  EXPECT_EQ(outcome.extents[1].size, 512U);
  list[24 + 4] = 1;
  EXPECT_EQ(run(disk(), cdb, list).sense, kOutOfRange);
  EXPECT_EQ(run(disk(), cdb, Bytes(7)).sense, kParameterListLength);
}

TEST(CommandSetTest, WriteSameOfZeroesIsTold) {
  const Bytes cdb{kWriteSame10, 0x08, 0, 0, 0, 10, 0, 0, 4, 0};
  const Outcome zeroes = run(disk(), cdb, Bytes(512));
  EXPECT_EQ(zeroes.work, Work::WriteZeroes);
  EXPECT_TRUE(zeroes.may_unmap);
  EXPECT_EQ(run(disk(), cdb, Bytes(512, 7)).work, Work::WriteSame);
  EXPECT_EQ(run(disk(), cdb, Bytes(100)).sense, kParameterListLength);
}

TEST(CommandSetTest, ADriveWithoutADiscSaysSo) {
  Unit empty = cd();
  empty.has_medium = false;
  empty.size = 0;
  EXPECT_EQ(run(empty, {kTestUnitReady}).sense, kNotReadyNoMedium);
  EXPECT_EQ(run(empty, {kRead10, 0, 0, 0, 0, 0, 0, 0, 1, 0}).sense, kNotReadyNoMedium);
  EXPECT_EQ(run(empty, {kInquiry, 0, 0, 0, 255, 0}).sense, kNoSense);
}

// Whatever is asked, and however little of it.
TEST(CommandSetTest, EachCommandIsAnsweredInBounds) {
  for (const Unit& unit : {disk(), cd()})
    for (unsigned operation = 0; operation < 256; ++operation)
      for (const u8 fill : {0x00, 0x01, 0x3f, 0xff})
        for (const std::size_t length : {1U, 6U, 10U, 16U, 32U}) {
          Bytes cdb(length, fill);
          cdb[0] = static_cast<u8>(operation);
          for (const std::size_t parameters : {0U, 1U, 8U, 512U})
            for (const Extent& extent : run(unit, cdb, Bytes(parameters, fill)).extents)
              ASSERT_LE(extent.offset + extent.size, unit.size) << operation;
          EXPECT_LE(parameter_length(cdb, 512), 0xffffU);
        }
}

}  // namespace
}  // namespace backplane::scsi
