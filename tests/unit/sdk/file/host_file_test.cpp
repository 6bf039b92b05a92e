// SPDX-License-Identifier: MIT
#include "backplane/host_file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>

#include "backplane/testing/scratch_directory.h"

namespace backplane {
namespace {

class HostFileTest : public ::testing::Test {
 protected:
  void write(std::size_t size) { std::ofstream(path) << std::string(size, 'a'); }

  const testing::ScratchDirectory directory;
  const std::filesystem::path path = directory / "file";
  HostFile file;
  std::vector<u8> data;
};

TEST_F(HostFileTest, ReadsAFileToItsEnd) {
  for (const std::size_t size : {0, 1, 65'535, 65'536, 65'537, 300'000}) {
    write(size);
    ASSERT_EQ(file.open(path), 0);
    EXPECT_EQ(file.read_to_end(data, 300'000), 0);
    EXPECT_EQ(data, std::vector<u8>(size, 'a'));
  }
}

TEST_F(HostFileTest, RefusesAFileThatIsTooLarge) {
  write(1001);
  ASSERT_EQ(file.open(path), 0);
  EXPECT_EQ(file.read_to_end(data, 1001), 0);
  ASSERT_EQ(file.open(path), 0);
  EXPECT_EQ(file.read_to_end(data, 1000), EFBIG);
}

#ifndef _WIN32
TEST_F(HostFileTest, ReadsADeviceWithoutEndNoFurtherThanToItsBound) {
  ASSERT_EQ(file.open("/dev/zero"), 0);
  EXPECT_EQ(file.read_to_end(data, 1_MiB), EFBIG);
  EXPECT_LE(data.size(), 4_MiB);
}

TEST_F(HostFileTest, ReadsAFileOfWhichTheSystemSaysNoSize) {
  ASSERT_EQ(file.open("/proc/self/maps"), 0);
  EXPECT_EQ(file.read_to_end(data, 1_MiB), 0);
  EXPECT_FALSE(data.empty());
}
#endif

}  // namespace
}  // namespace backplane
