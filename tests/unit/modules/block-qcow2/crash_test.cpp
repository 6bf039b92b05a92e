// SPDX-License-Identifier: MIT
// A host that dies leaves a sound image with all that was flushed, whichever of the later writes
// reached the disk.
#include <mutex>

#include "qcow2_fixture.h"

namespace backplane::testing {
namespace {

// A disk of the host's: what was written after the last flush is there, or not.
class DyingDisk final : public BlockNode {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&DyingDisk::path_>("filename", "what it begins with");
  }
  u64 size() const override { return bytes_.size(); }
  int grow(u64 size) override {
    const std::lock_guard lock(mutex_);
    if (size > bytes_.size()) bytes_.resize(size);
    return 0;
  }

  // What is left if it dies now: each write since the last flush is there or not, as `coin` says.
  std::vector<u8> remains(std::mt19937& coin) const {
    std::vector<u8> left = durable_;
    left.resize(bytes_.size());
    for (const auto& [offset, bytes] : later_)
      // The least that is written as a whole.
      for (u64 at = 0; at < bytes.size(); at += 512)
        if (coin() % 2 == 0)
          std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                      std::min<u64>(512, bytes.size() - at),
                      left.begin() + static_cast<std::ptrdiff_t>(offset + at));
    return left;
  }

 protected:
  void open_node() override {
    std::ifstream file(path_, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    durable_ = bytes_;
  }
  int do_read(u64 offset, std::span<const iovec> iov) override {
    const std::lock_guard lock(mutex_);
    for (const iovec& piece : iov) {
      if (offset + piece.iov_len > bytes_.size()) return -EIO;
      std::copy_n(&bytes_[offset], piece.iov_len, static_cast<u8*>(piece.iov_base));
      offset += piece.iov_len;
    }
    return 0;
  }
  int do_write(u64 offset, std::span<const iovec> iov) override {
    const std::lock_guard lock(mutex_);
    for (const iovec& piece : iov) {
      if (offset + piece.iov_len > bytes_.size()) return -EIO;
      const auto* const data = static_cast<const u8*>(piece.iov_base);
      std::copy_n(data, piece.iov_len, &bytes_[offset]);
      later_.emplace_back(offset, std::vector<u8>(data, data + piece.iov_len));
      offset += piece.iov_len;
    }
    return 0;
  }
  int do_flush() override {
    const std::lock_guard lock(mutex_);
    durable_ = bytes_;
    later_.clear();
    return 0;
  }

 private:
  std::string path_;
  mutable std::mutex mutex_;
  std::vector<u8> bytes_;
  std::vector<u8> durable_;
  std::vector<std::pair<u64, std::vector<u8>>> later_;
};
BACKPLANE_TYPE(DyingDisk, "block-dying")

class CrashTest : public Qcow2Test, public ::testing::WithParamInterface<const char*> {
 protected:
  void expect_survives(const DyingDisk& host, std::mt19937& coin) {
    const std::vector<u8> left = host.remains(coin);
    std::ofstream(path("left.qcow2"), std::ios::binary)
        .write(reinterpret_cast<const char*>(left.data()),
               static_cast<std::streamsize>(left.size()));
    // 3: clusters are lost, which is no danger.
    const int status = qemu_img("check left.qcow2");
    EXPECT_TRUE(status == 0 || status == 3) << status << ": " << printed;
  }
};

INSTANTIATE_TEST_SUITE_P(Options, CrashTest,
                         ::testing::Values("cluster_size=64k", "cluster_size=4k,compat=0.10",
                                           "cluster_size=512", "cluster_size=1k,refcount_bits=1"));

TEST_P(CrashTest, AtAnyMomentTheImageIsSound) {
  create(GetParam(), "12M");
  BlockNode& disk = dynamic_cast<BlockNode&>(backends.add(
      kBlockKind, "qcow2", "disk", {{"file.driver", "dying"}, {"file.filename", path("a.qcow2")}}));
  auto& host = dynamic_cast<DyingDisk&>(*machine.find("/backends/disk/file"));
  RandomUse use(12_MiB, 5);
  std::mt19937 coin(9);
  for (unsigned i = 0; i < 400; ++i) {
    use.step(disk);
    if (HasFatalFailure()) return;
    if (use.below(12) == 0) {
      ASSERT_EQ(disk.flush(), 0);
    }
    if (i % 25 == 24) expect_survives(host, coin);
  }
  ASSERT_EQ(disk.flush(), 0);
  const std::vector<u8> flushed = use.model;
  // Into what has its place already.
  std::vector<u8> sector(512, 0xaa);
  for (u64 offset = 0; offset < 12_MiB; offset += 1_MiB)
    ASSERT_EQ(disk.write_zeroes(offset, 512, true), 0);
  expect_survives(host, coin);
  for (u64 offset = 0; offset < 12_MiB; offset += 1_MiB)
    ASSERT_EQ(disk.write(offset, &flushed[offset], 512), 0);
  expect_survives(host, coin);
}

TEST_P(CrashTest, WhatWasFlushedIsThere) {
  create(GetParam(), "4M");
  BlockNode& disk = dynamic_cast<BlockNode&>(backends.add(
      kBlockKind, "qcow2", "disk", {{"file.driver", "dying"}, {"file.filename", path("a.qcow2")}}));
  auto& host = dynamic_cast<DyingDisk&>(*machine.find("/backends/disk/file"));
  std::mt19937 coin(9);
  std::vector<u8> model(4_MiB);
  for (u32 round = 0; round < 8; ++round) {
    const auto bytes = pattern(100 * 512, round);
    const u64 offset = u64{round} * 400_KiB;
    ASSERT_EQ(disk.write(offset, bytes.data(), bytes.size()), 0);
    std::copy(bytes.begin(), bytes.end(), model.begin() + static_cast<std::ptrdiff_t>(offset));
    ASSERT_EQ(disk.flush(), 0);
    expect_survives(host, coin);
    expect_content(model, "left.qcow2");
  }
}

}  // namespace
}  // namespace backplane::testing
