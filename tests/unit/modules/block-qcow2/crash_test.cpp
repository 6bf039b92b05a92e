// SPDX-License-Identifier: MIT
// A host that dies leaves a sound image with all that was flushed, whichever of the later writes
// reached the disk.
#include <cerrno>
#include <functional>
#include <mutex>
#include <random>
#include <span>
#include <string>

#include "backplane/error.h"
#include "backplane/image.h"
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

  std::function<void()> moment;  // is called before each write
  u64 room = ~u64{0};            // bytes of the file that can be written
  u64 last = ~u64{0};            // once something was written there, flushes fail

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
    if (moment) moment();
    const std::lock_guard lock(mutex_);
    if (offset == last) flushes_fail_ = true;
    for (u64 end = offset; const iovec& piece : iov)
      if ((end += piece.iov_len) > room) return -ENOSPC;
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
    if (flushes_fail_) return -EIO;
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
  bool flushes_fail_ = false;
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

// Which of two states the host has is not known, and nothing is written that is for one of them.
TEST_F(CrashTest, AHeaderThatMayHaveChangedIsTheLastThingWritten) {
  create("cluster_size=64k", "4M");
  for (const u64 field : {u64{24}, u64{60}}) {  // where the disk is, and where its snapshots are
    BlockNode& disk = dynamic_cast<BlockNode&>(
        backends.add(kBlockKind, "qcow2", "disk",
                     {{"file.driver", "dying"}, {"file.filename", path("a.qcow2")}}));
    auto& host = dynamic_cast<DyingDisk&>(*machine.find("/backends/disk/file"));
    auto& image = dynamic_cast<DiskImage&>(disk);
    const auto bytes = pattern(1_MiB, 1);
    ASSERT_EQ(disk.write(0, bytes.data(), bytes.size()), 0);
    image.create_snapshot("one");
    host.last = field;
    EXPECT_THROW(field == 24 ? image.apply_snapshot("one") : image.create_snapshot("two"), Error);
    EXPECT_EQ(disk.write(1_MiB, bytes.data(), bytes.size()), -EIO);
    EXPECT_EQ(disk.write(0, bytes.data(), bytes.size()), -EIO);
    std::vector<u8> now(bytes.size());
    EXPECT_EQ(disk.read(0, now.data(), now.size()), 0);
    EXPECT_EQ(now, bytes);
    backends.remove("disk");
  }
}

TEST_F(CrashTest, ATableOfCountsThatMayHaveMovedIsTheLastThingWritten) {
  create("cluster_size=512", "16M");
  BlockNode& disk = dynamic_cast<BlockNode&>(backends.add(
      kBlockKind, "qcow2", "disk", {{"file.driver", "dying"}, {"file.filename", path("a.qcow2")}}));
  dynamic_cast<DyingDisk&>(*machine.find("/backends/disk/file")).last = 48;
  const auto bytes = pattern(1_MiB, 1);
  int error = 0;
  u64 written = 0;
  for (; error == 0 && written < 12_MiB; written += bytes.size())
    error = disk.write(written, bytes.data(), bytes.size());
  EXPECT_NE(error, 0) << "the first table is for 8 MiB";
  EXPECT_EQ(disk.write(0, bytes.data(), bytes.size()), -EIO);
}

TEST_F(CrashTest, NothingIsWrittenBeforeTheFileSaysThatItsCountsMayBeLate) {
  create("lazy_refcounts=on", "4M");
  BlockNode& disk = dynamic_cast<BlockNode&>(backends.add(
      kBlockKind, "qcow2", "disk", {{"file.driver", "dying"}, {"file.filename", path("a.qcow2")}}));
  dynamic_cast<DyingDisk&>(*machine.find("/backends/disk/file")).last = 72;  // its features
  const auto bytes = pattern(512, 1);
  for (unsigned n = 0; n < 2; ++n)
    EXPECT_NE(disk.write(u64{n} * 1_MiB, bytes.data(), bytes.size()), 0) << n;
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

// Snapshots that have the state of a machine.
class VmStateCrashTest : public CrashTest {
 protected:
  static constexpr std::size_t kStateSize = 200'000;

  DyingDisk& open_dying() {
    backends.add(kBlockKind, "qcow2", "disk",
                 {{"file.driver", "dying"}, {"file.filename", path("a.qcow2")}});
    return dynamic_cast<DyingDisk&>(*machine.find("/backends/disk/file"));
  }
  template <class Interface>
  Interface& disk_as(const char* name = "disk") {
    return dynamic_cast<Interface&>(*backends.find(name));
  }
  void save(u32 number) {
    disk_as<VmStateImage>().write_vm_state(0, pattern(kStateSize, number));
    Snapshot described;
    described.name = std::to_string(number);
    described.vm_state_size = kStateSize;
    disk_as<VmStateImage>().add_snapshot(described);
  }
  // The next that opens it finds a sound image, and each snapshot that is there has all of its
  // state.
  void expect_whole_states(const DyingDisk& host, std::mt19937& coin) {
    write_file("left.qcow2", host.remains(coin));
    backends.add(kBlockKind, "qcow2", "left",
                 {{"file.driver", "file"}, {"file.filename", path("left.qcow2")}});
    for (const Snapshot& snapshot : disk_as<DiskImage>("left").snapshots()) {
      std::vector<u8> state(snapshot.vm_state_size);
      disk_as<VmStateImage>("left").read_vm_state(snapshot.id, 0, state);
      EXPECT_EQ(state, pattern(kStateSize, static_cast<u32>(std::stoul(snapshot.name))));
    }
    backends.remove("left");
    const int status = qemu_img("check left.qcow2");
    EXPECT_TRUE(status == 0 || status == 3) << status << ": " << printed;
  }
};

INSTANTIATE_TEST_SUITE_P(Options, VmStateCrashTest,
                         ::testing::Values("cluster_size=64k", "cluster_size=4k,compat=0.10",
                                           "cluster_size=512"));

TEST_P(VmStateCrashTest, AtAnyMomentASnapshotIsThereOrNot) {
  create(GetParam(), "4M");
  DyingDisk& host = open_dying();
  RandomUse use(4_MiB, 5);
  // --gtest_random_seed= has it die at other moments.
  std::mt19937 coin(7 + static_cast<u32>(::testing::UnitTest::GetInstance()->random_seed()));
  const unsigned between =
      dynamic_cast<DiskImage&>(*backends.find("disk")).cluster_size() / 512 > 1 ? 6 : 60;
  unsigned writes = 0, next = 0;
  host.moment = [&] {
    if (writes++ != next) return;
    next += 1 + coin() % between;
    expect_whole_states(host, coin);
  };
  for (u32 round = 1; round <= 3; ++round) {
    for (unsigned i = 0; i < 10; ++i) use.step(disk_as<BlockNode>());
    save(round);
    if (round == 2) disk_as<DiskImage>().delete_snapshot("1");
  }
  disk_as<DiskImage>().apply_snapshot("2");
  host.moment = {};
  EXPECT_GT(next, 60U);
}

TEST_P(VmStateCrashTest, AHostWithoutRoomHasItBack) {
  create(GetParam(), "4M");
  DyingDisk& host = open_dying();
  RandomUse use(4_MiB, 5);
  for (unsigned i = 0; i < 10; ++i) use.step(disk_as<BlockNode>());
  ASSERT_EQ(disk_as<BlockNode>().flush(), 0);
  host.room = host.size() + kStateSize / 2;
  EXPECT_THROW(save(1), Error);
  disk_as<VmStateImage>().drop_vm_state();
  std::mt19937 coin(3);
  EXPECT_TRUE(disk_as<DiskImage>().snapshots().empty());
  ASSERT_EQ(disk_as<BlockNode>().flush(), 0);
  expect_survives(host, coin);
  EXPECT_EQ(qemu_img("check left.qcow2"), 0) << printed;
  expect_content(use.model, "left.qcow2");
}

}  // namespace
}  // namespace backplane::testing
