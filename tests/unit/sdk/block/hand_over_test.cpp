// SPDX-License-Identifier: MIT
// An image that goes from one program to another, and back.
#include "block_fixture.h"

namespace backplane {
namespace {

class HandOverTest : public BlockTest {
 protected:
  static std::string message_of(BlockNode& node, void (BlockNode::*move)()) {
    try {
      (node.*move)();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(HandOverTest, LetsAnotherProgramHaveTheImage) {
  auto disk = open();
  EXPECT_TRUE(disk->node.is_here());
  EXPECT_NE(message_of_open_file(), "");
  disk->node.hand_over();
  EXPECT_FALSE(disk->node.is_here());
  {
    const auto other = open_file();
    EXPECT_NE(message_of(disk->node, &BlockNode::take_over).find("is open for writing"),
              std::string::npos);
    EXPECT_FALSE(disk->node.is_here());
  }
  disk->node.take_over();
  EXPECT_TRUE(disk->node.is_here());
  EXPECT_NE(message_of_open_file(), "");
}

TEST_F(HandOverTest, HasTheImageAsTheOtherProgramLeftIt) {
  auto disk = open();
  EXPECT_EQ(write(*disk, 0, pattern(4096, 1)), 0);
  disk->node.hand_over();
  const std::vector<u8> theirs = pattern(4096, 2);
  {
    const auto other = open_file();
    const iovec piece{const_cast<u8*>(theirs.data()), theirs.size()};  // writing only reads from it
    EXPECT_EQ(other->write(4096, {&piece, 1}), 0);
    EXPECT_EQ(other->resize(2 * kSize), 0);
  }
  disk->node.take_over();
  EXPECT_EQ(dynamic_cast<BlockNode&>(*disk->node.find("file")).size(), 2 * kSize);
  std::vector<u8> bytes(4096);
  EXPECT_EQ(read(*disk, 4096, bytes), 0);
  EXPECT_EQ(bytes, theirs);
}

TEST_F(HandOverTest, AMachineThatIsToBeReceivedLeavesImagesAlone) {
  const auto other = open_file();
  EXPECT_NE(message_of_open(), "");
  machine.config().will_be_received = true;
  auto disk = open();
  EXPECT_FALSE(disk->node.is_here());
  EXPECT_EQ(disk->node.size(), kSize);
  EXPECT_NE(message_of(disk->node, &BlockNode::take_over), "");
}

TEST_F(HandOverTest, WhatIsOnlyReadStaysWithBoth) {
  properties = {{"read-only", "on"}, {"file.read-only", "on"}};
  auto here = open();
  EXPECT_TRUE(here->node.is_here());
  here->node.hand_over();
  EXPECT_TRUE(here->node.is_here());
  options.read_only = true;
  EXPECT_EQ(message_of_open_file(), "");
}

}  // namespace
}  // namespace backplane
