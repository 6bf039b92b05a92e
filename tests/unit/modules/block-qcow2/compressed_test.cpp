// SPDX-License-Identifier: MIT
// Compressed clusters: those of qemu-img are read, and it reads ours.
#include "backplane/image.h"
#include "qcow2_fixture.h"

namespace backplane::testing {
namespace {

class CompressedTest : public Qcow2Test, public ::testing::WithParamInterface<const char*> {
 protected:
  // Some that packs well, some that does not, and zeroes.
  static std::vector<u8> content() {
    std::vector<u8> bytes(4_MiB);
    const auto noise = pattern(1_MiB, 5);
    std::copy(noise.begin(), noise.end(), bytes.begin() + 1_MiB);
    for (u64 i = 2_MiB; i < 3_MiB; ++i) bytes[i] = static_cast<u8>(i / 1000);
    for (u64 i = 3_MiB + 100; i < 4_MiB; i += 5000) bytes[i] = 1;
    return bytes;
  }
};

INSTANTIATE_TEST_SUITE_P(Options, CompressedTest,
                         ::testing::Values("compat=0.10", "compat=1.1", "cluster_size=512",
                                           "cluster_size=4k", "cluster_size=2M",
                                           "compression_type=zstd", "refcount_bits=1",
                                           "compression_type=zstd,cluster_size=512"));

TEST_P(CompressedTest, ReadsWhatQemuImgPacked) {
  const auto bytes = content();
  write_file("raw", bytes);
  ASSERT_EQ(qemu_img(std::string("convert -c -f raw -O qcow2 -o ") + GetParam() + " raw a.qcow2"),
            0)
      << printed;
  EXPECT_EQ(content_of(open({{"read-only", "on"}})), bytes);
  close();
}

TEST_P(CompressedTest, WhatIsPackedCanBeWritten) {
  write_file("raw", content());
  ASSERT_EQ(qemu_img(std::string("convert -c -f raw -O qcow2 -o ") + GetParam() + " raw a.qcow2"),
            0)
      << printed;
  RandomUse use(4_MiB, 8);
  use.model = content();
  BlockNode& disk = open();
  for (unsigned i = 0; i < 120; ++i) {
    use.step(disk);
    if (HasFatalFailure()) return;
  }
  close();
  expect_sound();
  expect_content(use.model);
}

TEST_P(CompressedTest, QemuImgReadsWhatIsPackedHere) {
  create(GetParam(), "4M");
  const auto bytes = content();
  BlockNode& disk = open();
  auto& image = dynamic_cast<DiskImage&>(disk);
  const u64 cluster = image.cluster_size();
  for (u64 at = 0; at < bytes.size(); at += cluster)
    ASSERT_EQ(image.write_compressed(at, {bytes.data() + at, cluster}), 0);
  // Once more, in place of what is packed.
  ASSERT_EQ(image.write_compressed(2_MiB, {bytes.data() + 2_MiB, cluster}), 0);
  EXPECT_EQ(content_of(disk), bytes);
  close();
  expect_sound();
  expect_content(bytes);
  // Where a count can be more than one, several share a cluster.
  if (GetParam() == std::string("compat=1.1")) {
    EXPECT_LT(std::filesystem::file_size(path("a.qcow2")), 2_MiB);
  }
}

using CompressedClusterTest = Qcow2Test;

TEST_F(CompressedClusterTest, DataThatIsDamagedIsAnError) {
  write_file("raw", std::vector<u8>(1_MiB, 'c'));
  for (const char* const options : {"compression_type=zlib", "compression_type=zstd"}) {
    ASSERT_EQ(qemu_img(std::string("convert -c -f raw -O qcow2 -o ") + options + " raw a.qcow2"), 0)
        << printed;
    {
      std::fstream file(path("a.qcow2"), std::ios::binary | std::ios::in | std::ios::out);
      file.seekp(0x50000);
      file << std::string(512, '\xff');
    }
    std::vector<u8> bytes(1_MiB);
    EXPECT_EQ(open({{"read-only", "on"}}).read(0, bytes.data(), bytes.size()), -EIO) << options;
    close();
  }
}

}  // namespace
}  // namespace backplane::testing
