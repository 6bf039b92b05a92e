// SPDX-License-Identifier: MIT
#include "block_fixture.h"

namespace backplane {
namespace {

class StatisticsTest : public BlockTest {
 protected:
  std::vector<u8> buffer = pattern(4096, 3);
  BlockRequest transfer(BlockOp op, u64 offset) {
    return {
        .op = op, .offset = offset, .size = buffer.size(), .iov = {{buffer.data(), buffer.size()}}};
  }
};

TEST_F(StatisticsTest, CountWhatWasCarriedOut) {
  const auto disk = open();
  EXPECT_EQ(disk->queue->statistics().read.operations, 0U);
  for (u64 n = 0; n < 3; ++n) EXPECT_EQ(run(*disk, transfer(BlockOp::Write, n * 4096)), 0);
  EXPECT_EQ(run(*disk, transfer(BlockOp::Read, 0)), 0);
  EXPECT_EQ(run(*disk, {.op = BlockOp::Flush}), 0);
  EXPECT_EQ(run(*disk, {.op = BlockOp::Discard, .offset = 0, .size = 8192}), 0);
  EXPECT_EQ(run(*disk, {.op = BlockOp::WriteZeroes, .offset = 0, .size = 512}), 0);
  const BlockStatistics done = disk->queue->statistics();
  EXPECT_EQ(done.write.operations, 4U) << "zeroes too";
  EXPECT_EQ(done.write.bytes, 3U * 4096 + 512);
  EXPECT_EQ(done.read.operations, 1U);
  EXPECT_EQ(done.read.bytes, 4096U);
  EXPECT_GT(done.read.time_ns, 0U);
  EXPECT_EQ(done.flush.operations, 1U);
  EXPECT_EQ(done.discard.bytes, 8192U);
}

TEST_F(StatisticsTest, CountFailuresApart) {
  const auto disk = open();
  EXPECT_NE(run(*disk, transfer(BlockOp::Read, 1_GiB)), 0);
  EXPECT_EQ(disk->queue->statistics().read.failed, 1U);
  EXPECT_EQ(disk->queue->statistics().read.operations, 0U);
  EXPECT_EQ(disk->queue->statistics().read.bytes, 0U);
}

}  // namespace
}  // namespace backplane
