// SPDX-License-Identifier: MIT
// What can be opened as an image, and what the message says when it cannot.
#include <sys/stat.h>

#include "block_fixture.h"

namespace backplane {
namespace {

using OpenImageTest = BlockTest;

TEST_F(OpenImageTest, Missing) {
  options.file = path("none.img");
  EXPECT_EQ(message_of_open(),
            "cannot open " + options.file + " for writing: No such file or directory");
  options.file.clear();
  EXPECT_EQ(message_of_open(), "file is missing: expects the path of an image");
}

TEST_F(OpenImageTest, Directory) {
  options.file = directory;
  const std::string expected =
      directory + " is a directory: expects an image file or a block device";
  EXPECT_EQ(message_of_open(), expected);
  options.read_only = true;
  EXPECT_EQ(message_of_open(), expected);
}

TEST_F(OpenImageTest, NamedPipeDoesNotBlock) {
  options.file = path("pipe");
  ASSERT_EQ(mkfifo(options.file.c_str(), 0600), 0);
  const std::string expected =
      options.file + " is neither a file nor a block device: it cannot be a disk";
  EXPECT_EQ(message_of_open(), expected);
  options.read_only = true;
  EXPECT_EQ(message_of_open(), expected);
}

TEST_F(OpenImageTest, SizeThatIsNoMultipleOfASector) {
  options.file = make_image("odd.img", std::vector<u8>(1000));
  EXPECT_EQ(message_of_open(), options.file + " has 1000 bytes: expects a multiple of 512");
}

TEST_F(OpenImageTest, UnknownCacheModeAndFormat) {
  options.cache = "fast";
  EXPECT_EQ(message_of_open(),
            "cache=fast is no cache mode: expects writeback, none, writethrough, directsync or "
            "unsafe");
  options.format = "vmdk";
  EXPECT_EQ(message_of_open(), "format=vmdk: there is no such image format: expects raw");
}

TEST_F(OpenImageTest, AFileIsNoBlockDevice) {
  options.kind = ImageKind::File;
  EXPECT_EQ(message_of_open(), "");
  options.kind = ImageKind::Device;
  EXPECT_EQ(message_of_open(), options.file + " is a file, not a block device");
}

TEST_F(OpenImageTest, EmptyImageHasNoSectors) {
  options.file = make_image("empty.img", {});
  EXPECT_EQ(open()->size(), 0u);
}

TEST_F(OpenImageTest, FallsBackToReadOnlyIfAsked) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everything";
  chmod(options.file.c_str(), 0400);
  EXPECT_EQ(message_of_open(), "cannot open " + options.file + " for writing: Permission denied");
  options.auto_read_only = true;
  EXPECT_TRUE(open()->read_only());
}

}  // namespace
}  // namespace backplane
