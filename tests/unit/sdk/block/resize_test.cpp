// SPDX-License-Identifier: MIT
// Disks that become longer while their devices use them.
#include "block_fixture.h"

namespace backplane {
namespace {

class ResizeTest : public BlockTest {
 protected:
  static std::string message_of_resize(BlockNode& node, u64 size) {
    try {
      node.resize(size);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(ResizeTest, ARawDiskGrowsWithItsFile) {
  const auto disk = open();
  disk->node.resize(2 * kSize);
  EXPECT_EQ(disk->node.size(), 2 * kSize);
  EXPECT_EQ(content().size(), 2 * kSize);
  EXPECT_EQ(write(*disk, 2 * kSize - 512, std::vector<u8>(512, 7)), 0);
  EXPECT_EQ(content().back(), 7);
  disk->node.resize(2 * kSize);
  EXPECT_NE(write(*disk, 2 * kSize, std::vector<u8>(512, 7)), 0);
}

TEST_F(ResizeTest, WhatIsInFlightIsDoneFirst) {
  const auto disk = open();
  std::vector<u8> bytes(4096, 5);
  bool done = false;
  BlockRequest last = request(BlockOp::Write, kSize - bytes.size(), bytes);
  last.done = [&](int result) { done = result == 0; };
  disk->queue->submit(std::move(last));
  disk->node.resize(2 * kSize);
  EXPECT_TRUE(done);
}

TEST_F(ResizeTest, ADiskThatBeginsLaterGrowsFromThere) {
  properties = {{"offset", "64K"}};
  const auto disk = open();
  disk->node.resize(kSize);
  EXPECT_EQ(content().size(), kSize + 64_KiB);
}

TEST_F(ResizeTest, WhatCannotBeIsSaid) {
  const auto disk = open();
  EXPECT_EQ(message_of_resize(disk->node, kSize + 1), "size=1048577: expects a multiple of 512");
  EXPECT_EQ(message_of_resize(disk->node, kSize / 2),
            options.file + " has 1048576 bytes: a disk cannot become shorter");
  BlockNode& file = dynamic_cast<BlockNode&>(*backends.find("disk0/file"));
  EXPECT_EQ(message_of_resize(file, 2 * kSize),
            "'file' is a part of 'disk0', which is what can be resized");
  EXPECT_EQ(content().size(), kSize);
}

TEST_F(ResizeTest, APartOfAFileStaysAsLongAsItIs) {
  properties = {{"size", "64K"}};
  const auto disk = open();
  EXPECT_TRUE(message_of_resize(disk->node, kSize)
                  .starts_with("cannot make it 1048576 bytes long: " + options.file));
  EXPECT_EQ(disk->node.size(), 64_KiB);
}

TEST_F(ResizeTest, AReadOnlyDiskStays) {
  properties = {{"read-only", "on"}};
  const auto disk = open();
  EXPECT_EQ(message_of_resize(disk->node, 2 * kSize), options.file + " is read-only");
}

}  // namespace
}  // namespace backplane
