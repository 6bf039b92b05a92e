// SPDX-License-Identifier: MIT
#include "boot/blob.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "backplane/error.h"
#include "backplane/testing/scratch_directory.h"

namespace backplane::pc {
namespace {

class BlobTest : public ::testing::Test {
 protected:
  std::string write(const std::string& name, u64 size) {
    const std::string path = directory_ / name;
    std::string text(size, 0);
    for (u64 i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 >> 3);
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static BlobPtr open(const std::string& path) {
    return Blob::open_file(path, "-kernel x", {1_MiB, "enough"});
  }
  static u8 expected(u64 i) { return static_cast<u8>(i * 7 >> 3); }

  const testing::ScratchDirectory directory_;
};

TEST_F(BlobTest, ReadsAFileAnywhere) {
  const BlobPtr blob = open(write("image", 200'000));
  EXPECT_EQ(blob->size(), 200'000u);
  for (const u64 offset : {0, 65'530, 65'536, 199'996}) {
    EXPECT_EQ(blob->read(offset, 4)[3], expected(offset + 3u)) << offset;
    EXPECT_EQ(blob->number<u8>(offset), expected(offset));
  }
  EXPECT_EQ(blob->number<u32>(199'998), 0u);
}

TEST_F(BlobTest, HasAFileOfTheGreatestSizeAndNoLargerOne) {
  EXPECT_EQ(open(write("image", 1_MiB))->size(), 1_MiB);
  try {
    open(write("image", 1_MiB + 1));
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "-kernel x: has more than 1048576 bytes, which is enough");
  }
}

TEST_F(BlobTest, ReadsADeviceWithoutEndNoFurtherThanThat) {
  EXPECT_THROW(open("/dev/zero"), Error);
  EXPECT_EQ(open("/dev/null")->size(), 0u);
}

TEST_F(BlobTest, ReadsWhatComesThroughAPipe) {
  const std::string pipe = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << std::string(100'000, 'a'); });
  const BlobPtr blob = open(pipe);
  writer.join();
  EXPECT_EQ(blob->size(), 100'000u);
  EXPECT_EQ(blob->number<u8>(99'999), 'a');
}

TEST_F(BlobTest, KeepsAFileThatIsReplaced) {
  const std::string path = write("image", 200'000);
  const BlobPtr blob = open(path);
  std::filesystem::remove(path);
  EXPECT_EQ(blob->number<u8>(150'000), expected(150'000));
}

TEST_F(BlobTest, SaysThatAFileBecameShorter) {
  const std::string path = write("image", 200'000);
  const BlobPtr blob = open(path);
  std::filesystem::resize_file(path, 100'000);
  EXPECT_THROW(blob->read(150'000, 10), Error);
}

TEST_F(BlobTest, NamesAFileThatCannotBeOpened) {
  try {
    open(directory_ / "absent");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("-kernel x: No such file"), std::string::npos);
  }
  EXPECT_THROW(open(directory_.path()), Error);
}

}  // namespace
}  // namespace backplane::pc
