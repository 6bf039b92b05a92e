// SPDX-License-Identifier: MIT
// What qemu-img makes is read, and what is written here is sound to it.
#include <thread>

#include "qcow2_fixture.h"

namespace backplane::testing {
namespace {

class EveryImage : public Qcow2Test, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(
    Options, EveryImage,
    ::testing::Values("compat=0.10", "compat=1.1", "compat=1.1,cluster_size=512",
                      "compat=0.10,cluster_size=4096", "compat=1.1,cluster_size=2M",
                      "compat=1.1,refcount_bits=1", "compat=1.1,refcount_bits=2,cluster_size=1k",
                      "compat=1.1,refcount_bits=8", "compat=1.1,refcount_bits=32,cluster_size=8k",
                      "compat=1.1,refcount_bits=64,cluster_size=512",
                      "compat=1.1,lazy_refcounts=on", "preallocation=metadata"));

constexpr u64 kSize = 8_MiB;

TEST_P(EveryImage, ReadsAsZeroesWhenItIsNew) {
  create(GetParam(), "8M");
  BlockNode& disk = open();
  EXPECT_EQ(disk.size(), kSize);
  std::vector<u8> bytes(kSize, 0xff);
  EXPECT_EQ(disk.read(0, bytes.data(), bytes.size()), 0);
  EXPECT_EQ(bytes, std::vector<u8>(kSize));
}

TEST_P(EveryImage, RandomUseLeavesASoundOne) {
  create(GetParam(), "8M");
  RandomUse use(kSize, 1);
  for (unsigned round = 0; round < 3; ++round) {
    BlockNode& disk = open();
    for (unsigned i = 0; i < 150; ++i) {
      use.step(disk);
      if (HasFatalFailure()) return;
      if (i % 40 == 39) {
        ASSERT_EQ(disk.flush(), 0);
      }
    }
    close();
    expect_sound();
    expect_content(use.model);
  }
}

TEST_P(EveryImage, ReadsWhatQemuImgWrote) {
  const auto bytes = pattern(3_MiB, 7);
  std::ofstream(path("raw"), std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  ASSERT_EQ(qemu_img(std::string("convert -f raw -O qcow2 -o ") + GetParam() + " raw a.qcow2"), 0)
      << printed;
  BlockNode& disk = open({{"read-only", "on"}});
  ASSERT_EQ(disk.size(), bytes.size());
  std::vector<u8> read(bytes.size());
  EXPECT_EQ(disk.read(0, read.data(), read.size()), 0);
  EXPECT_EQ(read, bytes);
}

using Qcow2ImageTest = Qcow2Test;

TEST_F(Qcow2ImageTest, TheRefcountTableGrowsWithTheFile) {
  // One cluster of it counts 8 MiB.
  create("cluster_size=512", "64M");
  BlockNode& disk = open();
  const auto bytes = pattern(1_MiB, 3);
  std::vector<u8> model;
  for (u64 offset = 0; offset < 64_MiB; offset += bytes.size()) {
    ASSERT_EQ(disk.write(offset, bytes.data(), bytes.size()), 0);
    model.insert(model.end(), bytes.begin(), bytes.end());
  }
  close();
  expect_sound();
  expect_content(model);
}

TEST_F(Qcow2ImageTest, WhatIsDiscardedGivesItsRoomBack) {
  create("cluster_size=64k", "16M");
  BlockNode& disk = open();
  const auto bytes = pattern(8_MiB, 3);
  ASSERT_EQ(disk.write(0, bytes.data(), bytes.size()), 0);
  ASSERT_EQ(disk.flush(), 0);
  const u64 full = std::filesystem::file_size(path("a.qcow2"));
  ASSERT_EQ(disk.discard(0, 8_MiB), 0);
  std::vector<u8> read(8_MiB, 1);
  EXPECT_EQ(disk.read(0, read.data(), read.size()), 0);
  EXPECT_EQ(read, std::vector<u8>(8_MiB));
  ASSERT_EQ(disk.flush(), 0);
  ASSERT_EQ(disk.write(8_MiB, bytes.data(), bytes.size()), 0);
  close();
  EXPECT_EQ(std::filesystem::file_size(path("a.qcow2")), full) << "used again";
  expect_sound();
}

TEST_F(Qcow2ImageTest, ZeroesTakeNoRoom) {
  create("cluster_size=64k", "16M");
  BlockNode& disk = open({{"detect-zeroes", "unmap"}});
  const u64 before = std::filesystem::file_size(path("a.qcow2"));
  const std::vector<u8> nothing(1_MiB);
  EXPECT_EQ(disk.write(0, nothing.data(), nothing.size()), 0);
  EXPECT_EQ(disk.write_zeroes(1_MiB, 15_MiB, true), 0);
  EXPECT_EQ(disk.flush(), 0);
  EXPECT_EQ(std::filesystem::file_size(path("a.qcow2")), before);
}

TEST_F(Qcow2ImageTest, GrowsWithItsTables) {
  for (const char* const options : {"cluster_size=4k", "compat=0.10,cluster_size=4k",
                                    "cluster_size=512", "cluster_size=512,lazy_refcounts=on"}) {
    create(options, "3000k");  // its last cluster is not whole
    BlockNode& disk = open();
    auto model = pattern(3000_KiB, 3);
    ASSERT_EQ(disk.write(0, model.data(), model.size()), 0);
    disk.resize(100_MiB);
    EXPECT_EQ(disk.size(), 100_MiB);
    const auto end = pattern(64_KiB, 4);
    ASSERT_EQ(disk.write(100_MiB - end.size(), end.data(), end.size()), 0);
    model.resize(100_MiB - end.size());
    model.insert(model.end(), end.begin(), end.end());
    EXPECT_THROW(disk.resize(u64{1} << 62), Error);
    close();
    EXPECT_EQ(open().size(), 100_MiB) << options;
    close();
    expect_sound();
    expect_content(model);
  }
}

TEST_F(Qcow2ImageTest, WhatIsBehindTheEndIsNeverSeen) {
  create("cluster_size=64k,preallocation=metadata", "100k");
  {
    // What another program may have left in the last cluster.
    const u64 end = std::filesystem::file_size(path("a.qcow2"));
    std::fstream file(path("a.qcow2"), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(end - 1000));
    file << std::string(1000, 'x');
  }
  BlockNode& disk = open();
  disk.resize(128_KiB);
  std::vector<u8> bytes(28_KiB, 1);
  EXPECT_EQ(disk.read(100_KiB, bytes.data(), bytes.size()), 0);
  EXPECT_EQ(bytes, std::vector<u8>(28_KiB));
  close();
  expect_sound();
}

TEST_F(Qcow2ImageTest, ALargeDiskNeedsLittle) {
  create("cluster_size=64k", "8T");
  BlockNode& disk = open();
  const auto bytes = pattern(4096, 3);
  for (u64 offset = 0; offset < 8192_GiB; offset += 300_GiB)
    ASSERT_EQ(disk.write(offset, bytes.data(), bytes.size()), 0);
  EXPECT_EQ(disk.write(8192_GiB - 4096, bytes.data(), bytes.size()), 0);
  close();
  EXPECT_LT(std::filesystem::file_size(path("a.qcow2")), 16_MiB);
  expect_sound();
}

TEST_F(Qcow2ImageTest, TheLastClusterNeedNotBeWhole) {
  create("cluster_size=64k,preallocation=metadata", "1M");
  const u64 whole = std::filesystem::file_size(path("a.qcow2"));
  std::filesystem::resize_file(path("a.qcow2"), whole - 1000);
  BlockNode& disk = open();
  const auto bytes = pattern(1_MiB, 4);
  EXPECT_EQ(disk.write(0, bytes.data(), bytes.size()), 0);
  close();
  EXPECT_EQ(std::filesystem::file_size(path("a.qcow2")), whole);
  expect_sound();
  expect_content(bytes);
}

TEST_F(Qcow2ImageTest, OneThatIsOnlyReadStaysAsItIs) {
  create("cluster_size=64k", "1M");
  const auto before = std::filesystem::last_write_time(path("a.qcow2"));
  BlockNode& disk = open({{"read-only", "on"}});
  EXPECT_TRUE(disk.read_only());
  EXPECT_EQ(disk.flush(), 0);
  close();
  EXPECT_EQ(std::filesystem::last_write_time(path("a.qcow2")), before);
}

TEST_F(Qcow2ImageTest, SeveralThreadsUseIt) {
  create("cluster_size=4k", "8M");
  BlockNode& disk = open();
  // Each writes every fourth sector of its own bytes, so that they meet in all clusters.
  constexpr u64 kThreads = 4;
  const auto use = [&disk](u64 thread) {
    const auto bytes = pattern(512, static_cast<u32>(thread));
    for (u64 offset = 512 * thread; offset < kSize; offset += 512 * kThreads) {
      ASSERT_EQ(disk.write(offset, bytes.data(), bytes.size()), 0);
      if (offset % 1_MiB < 512 * kThreads) {
        ASSERT_EQ(disk.flush(), 0);
      }
    }
  };
  std::vector<std::thread> threads;
  for (u64 i = 0; i < kThreads; ++i) threads.emplace_back(use, i);
  for (std::thread& thread : threads) thread.join();
  close();
  std::vector<u8> model;
  for (u64 sector = 0; sector < kSize / 512; ++sector) {
    const auto bytes = pattern(512, static_cast<u32>(sector % kThreads));
    model.insert(model.end(), bytes.begin(), bytes.end());
  }
  expect_sound();
  expect_content(model);
}

}  // namespace
}  // namespace backplane::testing
