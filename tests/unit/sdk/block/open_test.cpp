// SPDX-License-Identifier: MIT
// What can be opened as an image, and what the message says when it cannot.
#include <sys/stat.h>

#include "block_fixture.h"

namespace backplane {
namespace {

using OpenImageTest = ImageTest;

TEST_F(OpenImageTest, Missing) {
  options.file = path("none.img");
  EXPECT_EQ(message_of_open_file(),
            "cannot open " + options.file + " for writing: No such file or directory");
}

TEST_F(OpenImageTest, Directory) {
  options.file = directory.path();
  const std::string expected =
      directory.path().string() + " is a directory: expects an image file or a block device";
  EXPECT_EQ(message_of_open_file(), expected);
  options.read_only = true;
  EXPECT_EQ(message_of_open_file(), expected);
}

TEST_F(OpenImageTest, NamedPipeDoesNotBlock) {
  options.file = path("pipe");
  ASSERT_EQ(mkfifo(options.file.c_str(), 0600), 0);
  const std::string expected =
      options.file + " is neither a file nor a block device: it cannot be a disk";
  EXPECT_EQ(message_of_open_file(), expected);
  options.read_only = true;
  EXPECT_EQ(message_of_open_file(), expected);
}

TEST_F(OpenImageTest, AFileIsNoBlockDevice) {
  options.kind = ImageKind::File;
  EXPECT_EQ(message_of_open_file(), "");
  options.kind = ImageKind::Device;
  EXPECT_EQ(message_of_open_file(), options.file + " is a file, not a block device");
}

TEST_F(OpenImageTest, EmptyImageHasNoSectors) {
  options.file = make_image("empty.img", {});
  EXPECT_EQ(open_file()->size(), 0u);
}

TEST_F(OpenImageTest, FallsBackToReadOnlyIfAsked) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everything";
  chmod(options.file.c_str(), 0400);
  EXPECT_EQ(message_of_open_file(),
            "cannot open " + options.file + " for writing: Permission denied");
  options.auto_read_only = true;
  EXPECT_TRUE(open_file()->read_only());
}

TEST_F(OpenImageTest, CanBeMadeLonger) {
  const auto file = open_file();
  EXPECT_EQ(file->resize(2 * kSize), 0);
  EXPECT_EQ(file->size_now(), 2 * kSize);
  EXPECT_EQ(content(), std::vector<u8>(2 * kSize));
}

}  // namespace
}  // namespace backplane
