// SPDX-License-Identifier: MIT
#include <backplane/backend.h>
#include <backplane/block.h>
#include <backplane/testing/scratch_directory.h>
#include <backplane/testing/test_machine.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace backplane::testing {
namespace {

class @CLASS@Test : public ::testing::Test {
 protected:
  BlockNode& open(const std::string& key) {
    return dynamic_cast<BlockNode&>(backends_.add(
        kBlockKind, "@STEM@", "disk",
        {{"key", key}, {"file.driver", "file"}, {"file.filename", image_.string()}}));
  }

  ScratchDirectory directory_;
  std::filesystem::path image_ = directory_.write("image", std::string(4096, '\x5a'));
  TestMachine machine_;
  Backends& backends_ = machine_.add_child("backends", std::make_unique<Backends>(machine_));
};

TEST_F(@CLASS@Test, ReadsAndWritesThroughTheKey) {
  BlockNode& disk = open("0x5a");
  EXPECT_EQ(disk.size(), 4096U);
  char byte = 1;
  EXPECT_EQ(disk.read(512, &byte, 1), 0);
  EXPECT_EQ(byte, 0);
  const char text[] = "secret";
  EXPECT_EQ(disk.write(0, text, sizeof text), 0);
  EXPECT_EQ(disk.flush(), 0);
  char back[sizeof text];
  EXPECT_EQ(disk.read(0, back, sizeof back), 0);
  EXPECT_STREQ(back, "secret");
  std::ifstream file(image_, std::ios::binary);
  const std::string stored((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(stored.find("secret"), std::string::npos);
  EXPECT_EQ(stored[0], 's' ^ 0x5a);
}

TEST_F(@CLASS@Test, SaysThatTheKeyIsMissing) { EXPECT_THROW(open("0"), Error); }

}  // namespace
}  // namespace backplane::testing
