// SPDX-License-Identifier: MIT
// Snapshots inside an image, ours and qemu-img's.
#include <algorithm>
#include <span>

#include "backplane/image.h"
#include "qcow2_fixture.h"

namespace backplane::testing {
namespace {

class SnapshotsTest : public Qcow2Test, public ::testing::WithParamInterface<const char*> {
 protected:
  DiskImage& image() { return dynamic_cast<DiskImage&>(*machine.find("/backends/disk")); }
  void use_some(RandomUse& use, unsigned steps) {
    auto& disk = dynamic_cast<BlockNode&>(*machine.find("/backends/disk"));
    for (unsigned i = 0; i < steps && !HasFatalFailure(); ++i) use.step(disk);
  }
};

INSTANTIATE_TEST_SUITE_P(Options, SnapshotsTest,
                         ::testing::Values("compat=0.10", "compat=1.1", "cluster_size=512",
                                           "cluster_size=4k,refcount_bits=4",
                                           "refcount_bits=64,lazy_refcounts=on"));

TEST_P(SnapshotsTest, EachIsAsItWas) {
  create(GetParam(), "6M");
  RandomUse use(6_MiB, 4);
  std::vector<std::vector<u8>> states;
  open();
  for (const char* const name : {"first", "second", "third"}) {
    use_some(use, 80);
    image().create_snapshot(name);
    states.push_back(use.model);
  }
  use_some(use, 80);
  close();
  expect_sound();
  expect_content(use.model);
  ASSERT_EQ(qemu_img("snapshot -l a.qcow2"), 0);
  EXPECT_NE(printed.find("second"), std::string::npos) << printed;

  open();
  image().delete_snapshot("second");
  close();
  expect_sound();
  expect_content(use.model);
  for (const auto& [name, state] : {std::pair{"third", 2}, {"1", 0}}) {
    BlockNode& disk = open();
    image().apply_snapshot(name);
    EXPECT_EQ(content_of(disk), states[static_cast<std::size_t>(state)]);
    use.model = states[static_cast<std::size_t>(state)];
    use_some(use, 30);
    close();
    expect_sound();
    expect_content(use.model);
  }
  open();
  image().delete_snapshot("first");
  image().delete_snapshot("third");
  EXPECT_TRUE(image().snapshots().empty());
  close();
  expect_sound();
  expect_content(use.model);
}

TEST_P(SnapshotsTest, ThoseOfQemuImgAreKept) {
  create(GetParam(), "6M");
  RandomUse use(6_MiB, 4);
  open();
  use_some(use, 80);
  close();
  const auto before = use.model;
  ASSERT_EQ(qemu_img("snapshot -c kept a.qcow2"), 0) << printed;
  open();
  ASSERT_EQ(image().snapshots().size(), 1U);
  EXPECT_EQ(image().snapshots().front().name, "kept");
  use_some(use, 80);
  close();
  expect_sound();
  expect_content(use.model);
  ASSERT_EQ(qemu_img("snapshot -a kept a.qcow2"), 0) << printed;
  expect_content(before);
  expect_sound();
}

// What a machine's state is made of is of no interest here.
class VmStatesTest : public SnapshotsTest {
 protected:
  VmStateImage& states() { return dynamic_cast<VmStateImage&>(*machine.find("/backends/disk")); }
  void save(const std::string& name, const std::vector<u8>& state) {
    constexpr std::size_t kStep = 300'000;
    for (std::size_t at = 0; at < state.size(); at += kStep)
      states().write_vm_state(at, std::span(state).subspan(at, std::min(kStep, state.size() - at)));
    Snapshot described;
    described.name = name;
    described.vm_state_size = state.size();
    states().add_snapshot(described);
  }
  std::vector<u8> state_of(const std::string& id, std::size_t size) {
    std::vector<u8> state(size);
    states().read_vm_state(id, 0, state);
    return state;
  }
};

INSTANTIATE_TEST_SUITE_P(Options, VmStatesTest,
                         ::testing::Values("compat=0.10", "cluster_size=512",
                                           "refcount_bits=64,lazy_refcounts=on"));

TEST_P(VmStatesTest, AreKeptBesideTheDisk) {
  create(GetParam(), "6M");
  RandomUse use(6_MiB, 4);
  open();
  use_some(use, 60);
  save("one", pattern(3'000'001, 1));
  const auto then = use.model;
  use_some(use, 60);
  save("two", pattern(1'234'567, 2));
  use_some(use, 60);
  EXPECT_EQ(state_of("1", 3'000'001), pattern(3'000'001, 1));
  EXPECT_EQ(state_of("2", 1'234'567), pattern(1'234'567, 2));
  close();
  expect_sound();
  expect_content(use.model);
  ASSERT_EQ(qemu_img("snapshot -l a.qcow2"), 0);
  EXPECT_NE(printed.find("2.86 MiB"), std::string::npos) << printed;

  open();
  EXPECT_EQ(state_of("1", 3'000'001), pattern(3'000'001, 1));
  image().apply_snapshot("one");
  EXPECT_EQ(state_of("1", 3'000'001), pattern(3'000'001, 1));
  use.model = then;
  use_some(use, 60);
  image().delete_snapshot("one");
  EXPECT_EQ(state_of("2", 1'234'567), pattern(1'234'567, 2));
  close();
  expect_sound();
  expect_content(use.model);
  open();
  image().delete_snapshot("two");
  close();
  expect_sound();
  expect_content(use.model);
}

TEST_P(VmStatesTest, OneThatWasNotFinishedTakesNoRoom) {
  create(GetParam(), "1M");
  open();
  states().write_vm_state(0, pattern(2'000'000, 1));
  states().drop_vm_state();
  states().write_vm_state(0, pattern(1'000'000, 2));
  close();
  // As after the end of a program that was killed.
  expect_sound();
  BlockNode& disk = open();
  disk.resize(2_MiB);
  EXPECT_EQ(content_of(disk), std::vector<u8>(2_MiB));
  image().create_snapshot("without");
  close();
  expect_sound();
  expect_content(std::vector<u8>(2_MiB));
  ASSERT_EQ(qemu_img("snapshot -l a.qcow2"), 0);
  EXPECT_NE(printed.find(" 0 B "), std::string::npos) << printed;
}

// QEMU's programs take the content of a disk, and leave alone what is behind it.
TEST_P(VmStatesTest, OutliveQemuImg) {
  create(GetParam(), "1M");
  open();
  save("ours", pattern(700'000, 1));
  close();
  ASSERT_EQ(qemu_img("snapshot -c theirs a.qcow2"), 0) << printed;
  ASSERT_EQ(qemu_img("snapshot -a ours a.qcow2"), 0) << printed;
  ASSERT_EQ(qemu_img("snapshot -d theirs a.qcow2"), 0) << printed;
  expect_sound();
  open();
  EXPECT_EQ(state_of("1", 700'000), pattern(700'000, 1));
  save("again", pattern(600'000, 3));
  EXPECT_EQ(state_of("1", 700'000), pattern(700'000, 1));
  EXPECT_EQ(state_of("2", 600'000), pattern(600'000, 3));
  close();
  expect_sound();
}

using SnapshotTest = SnapshotsTest;

TEST_F(SnapshotTest, OfADiskOfAnotherSizeBringsItsSizeBack) {
  create("compat=1.1,cluster_size=512", "1M");
  BlockNode& disk = open();
  const auto bytes = pattern(1_MiB, 1);
  ASSERT_EQ(disk.write(0, bytes.data(), bytes.size()), 0);
  image().create_snapshot("small");
  disk.resize(64_MiB);
  EXPECT_THROW(image().shrink(512_KiB), Error);
  image().apply_snapshot("small");
  EXPECT_EQ(disk.size(), 1_MiB);
  close();
  expect_sound();
  expect_content(bytes);
}

TEST_F(SnapshotTest, WhatCannotBeIsALine) {
  create("refcount_bits=1", "1M");
  open();
  EXPECT_THROW(image().create_snapshot("one"), Error);
  EXPECT_THROW(image().apply_snapshot("none"), Error);
  EXPECT_THROW(image().delete_snapshot("none"), Error);
  close();
  expect_sound();
}

TEST_F(SnapshotTest, ANameIsNoLongerThanQemusProgramsShow) {
  create("cluster_size=64k", "1M");
  open();
  image().create_snapshot(std::string(255, 'n'));
  EXPECT_THROW(image().create_snapshot(std::string(256, 'n')), Error);
  EXPECT_EQ(image().snapshots().size(), 1U);
  close();
  expect_sound();
}

TEST_F(SnapshotTest, ATableThatIsDamagedIsRefused) {
  create("cluster_size=64k", "1M");
  ASSERT_EQ(qemu_img("snapshot -c one a.qcow2"), 0) << printed;
  u64 table = 0;
  const auto patch = [this, &table](u64 at, u8 byte) {
    std::fstream file(path("a.qcow2"), std::ios::binary | std::ios::in | std::ios::out);
    if (table == 0) {
      file.seekg(64);
      for (int i = 0; i < 8; ++i) table = table << 8 | static_cast<u8>(file.get());
    }
    file.seekp(static_cast<std::streamoff>(table + at));
    const int before = file.peek();
    file.seekp(static_cast<std::streamoff>(table + at));
    file.put(static_cast<char>(byte));
    return static_cast<u8>(before);
  };
  const auto expect_refused = [&](u64 at, u8 byte, const std::string& why) {
    const u8 before = patch(at, byte);
    EXPECT_NE(refusal().find(why), std::string::npos) << refusal();
    patch(at, before);
  };
  expect_refused(0, 0x7f, "has no L1 table");
  expect_refused(7, 1, "has no L1 table");
  expect_refused(8, 0x7f, "has no L1 table");
  expect_refused(36, 0x7f, "bytes of extra data");
  EXPECT_EQ(refusal(), "");
}

// A stranger's snapshot that shares a table with the disk, which nobody has counted.
TEST_F(SnapshotTest, OneThatIsDamagedStaysAsItIsAndTheDiskGoesOn) {
  create("cluster_size=64k", "1M");
  BlockNode* disk = &open();
  auto bytes = pattern(1_MiB, 1);
  ASSERT_EQ(disk->write(0, bytes.data(), bytes.size()), 0);
  image().create_snapshot("one");
  bytes = pattern(1_MiB, 2);
  ASSERT_EQ(disk->write(0, bytes.data(), bytes.size()), 0);
  close();
  {
    std::fstream file(path("a.qcow2"), std::ios::binary | std::ios::in | std::ios::out);
    const auto number_at = [&file](u64 at) {
      u64 number = 0;
      file.seekg(static_cast<std::streamoff>(at));
      for (int i = 0; i < 8; ++i) number = number << 8 | static_cast<u8>(file.get());
      return number;
    };
    const u64 table = number_at(number_at(40)) & ~(u64{1} << 63);
    const u64 place = number_at(number_at(64));
    file.seekp(static_cast<std::streamoff>(place));
    for (int i = 7; i >= 0; --i) file.put(static_cast<char>(table >> (8 * i)));
  }
  disk = &open();
  EXPECT_THROW(image().apply_snapshot("one"), Error);
  EXPECT_THROW(image().delete_snapshot("one"), Error);
  EXPECT_EQ(image().snapshots().size(), 1U);
  bytes = pattern(1_MiB, 3);
  EXPECT_EQ(disk->write(0, bytes.data(), bytes.size()), 0);
  EXPECT_EQ(disk->flush(), 0);
  close();
  expect_content(bytes);
}

TEST_F(SnapshotTest, TheDiskBecomesShorter) {
  create("cluster_size=4k", "8M");
  BlockNode& disk = open();
  auto bytes = pattern(8_MiB, 1);
  ASSERT_EQ(disk.write(0, bytes.data(), bytes.size()), 0);
  image().shrink(1_MiB + 512);
  EXPECT_EQ(disk.size(), 1_MiB + 512);
  bytes.resize(1_MiB + 512);
  EXPECT_EQ(content_of(disk), bytes);
  disk.resize(2_MiB);
  bytes.resize(2_MiB);
  EXPECT_EQ(content_of(disk), bytes);
  close();
  expect_sound();
  expect_content(bytes);
}

TEST_F(SnapshotTest, AnEmptyOneShowsWhatIsBelow) {
  write_file("base.raw", pattern(2_MiB, 1));
  ASSERT_EQ(qemu_img("create -q -f qcow2 -b base.raw -F raw a.qcow2"), 0);
  BlockNode& disk = open();
  const auto bytes = pattern(1_MiB, 2);
  ASSERT_EQ(disk.write(0, bytes.data(), bytes.size()), 0);
  image().make_empty();
  EXPECT_EQ(content_of(disk), pattern(2_MiB, 1));
  close();
  expect_sound();
}

}  // namespace
}  // namespace backplane::testing
