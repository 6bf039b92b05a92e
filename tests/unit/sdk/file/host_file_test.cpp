// SPDX-License-Identifier: MIT
#include "backplane/host_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

#include "backplane/memory.h"
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
  std::shared_ptr<RamBlock> ram;
  u64 in_ram = 0;
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

TEST_F(HostFileTest, ReadsAFileIntoWholePagesOfRam) {
  for (const std::size_t size : {1, 4095, 4096, 4097, 300'000}) {
    write(size);
    ASSERT_EQ(file.open(path), 0);
    EXPECT_EQ(file.read_to_ram("rom", 300'000, ram, in_ram), 0);
    EXPECT_EQ(in_ram, size);
    ASSERT_EQ(ram->size(), (size + kPageSize - 1) & kPageMask);
    EXPECT_EQ(std::vector<u8>(ram->host(), ram->host() + size), std::vector<u8>(size, 'a'));
    EXPECT_TRUE(std::all_of(ram->host() + size, ram->host() + ram->size(),
                            [](u8 byte) { return byte == 0; }));
  }
}

TEST_F(HostFileTest, MakesNoRamOfWhatIsEmptyOrTooLarge) {
  write(0);
  ASSERT_EQ(file.open(path), 0);
  EXPECT_EQ(file.read_to_ram("rom", 1000, ram, in_ram), 0);
  EXPECT_EQ(ram, nullptr);
  EXPECT_EQ(in_ram, 0u);
  write(1001);
  ASSERT_EQ(file.open(path), 0);
  EXPECT_EQ(file.read_to_ram("rom", 1000, ram, in_ram), EFBIG);
  EXPECT_EQ(ram, nullptr);
}

#ifndef _WIN32
TEST_F(HostFileTest, ReadsIntoRamWhatTheSystemSaysNoSizeOf) {
  ASSERT_EQ(file.open("/proc/self/maps"), 0);
  EXPECT_EQ(file.read_to_ram("rom", 1_MiB, ram, in_ram), 0);
  ASSERT_NE(ram, nullptr);
  EXPECT_NE(std::string(ram->host(), ram->host() + in_ram).find("[stack]"), std::string::npos);
  ASSERT_EQ(file.open("/dev/zero"), 0);
  EXPECT_EQ(file.read_to_ram("rom", 1_MiB, ram, in_ram), EFBIG);
}

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
