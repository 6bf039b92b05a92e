// SPDX-License-Identifier: MIT
// Images that stand on others.
#include "backplane/image.h"
#include "qcow2_fixture.h"

namespace backplane::testing {
namespace {

class BackingTest : public Qcow2Test, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Options, BackingTest,
                         ::testing::Values("compat=0.10", "compat=1.1", "cluster_size=512",
                                           "cluster_size=2M", "lazy_refcounts=on"));

TEST_P(BackingTest, RandomUseShowsWhatIsBelow) {
  // Shorter than what stands on it, and not of whole clusters.
  const auto below = pattern(5000_KiB, 1);
  write_file("base.raw", below);
  ASSERT_EQ(qemu_img(std::string("create -q -f qcow2 -b base.raw -F raw -o ") + GetParam() +
                     " a.qcow2 8M"),
            0)
      << printed;
  RandomUse use(8_MiB, 3);
  std::copy(below.begin(), below.end(), use.model.begin());
  for (unsigned round = 0; round < 2; ++round) {
    BlockNode& disk = open();
    EXPECT_EQ(content_of(disk), use.model);
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
  write_file("model", below);
  EXPECT_EQ(qemu_img("compare -s -f raw -F raw base.raw model"), 0) << "nothing is written to it";
}

using BackingFileTest = Qcow2Test;

TEST_F(BackingFileTest, AChainOfThree) {
  const auto first = pattern(1_MiB, 1), second = pattern(64_KiB, 2), third = pattern(64_KiB, 3);
  write_file("base.raw", first);
  ASSERT_EQ(qemu_img("create -q -f qcow2 -b base.raw -F raw middle.qcow2"), 0);
  ASSERT_EQ(qemu_img("create -q -f qcow2 -b middle.qcow2 -F qcow2 a.qcow2"), 0);
  std::vector<u8> model = first;
  ASSERT_EQ(open({}, "middle.qcow2").write(128_KiB, second.data(), second.size()), 0);
  close();
  std::copy(second.begin(), second.end(), model.begin() + 128_KiB);
  BlockNode& disk = open();
  ASSERT_EQ(disk.write(100_KiB, third.data(), third.size()), 0);
  std::copy(third.begin(), third.end(), model.begin() + 100_KiB);
  EXPECT_EQ(content_of(disk), model);
  close();
  expect_content(model);
}

TEST_F(BackingFileTest, WhatIsSaidOfItCountsMoreThanWhatTheImageSays) {
  write_file("base.raw", pattern(1_MiB, 1));
  write_file("other.raw", pattern(1_MiB, 2));
  ASSERT_EQ(qemu_img("create -q -f qcow2 -b base.raw -F raw a.qcow2"), 0);
  EXPECT_EQ(content_of(open({{"backing", "off"}})), std::vector<u8>(1_MiB));
  close();
  EXPECT_EQ(content_of(open({{"backing", ""}})), std::vector<u8>(1_MiB));
  close();
  EXPECT_EQ(content_of(open({{"backing.driver", "raw"},
                             {"backing.read-only", "on"},
                             {"backing.file.driver", "file"},
                             {"backing.file.filename", path("other.raw")}})),
            pattern(1_MiB, 2));
  close();
}

TEST_F(BackingFileTest, IsOpenedAsWhatTheImageSaysAlone) {
  ASSERT_EQ(qemu_img("create -q -f qcow2 base.qcow2 1M"), 0);
  std::filesystem::resize_file(path("base.qcow2"), 256_KiB);
  // A header that a guest has written into a raw disk means nothing.
  ASSERT_EQ(qemu_img("create -q -f qcow2 -b base.qcow2 -F raw a.qcow2 1M"), 0);
  std::vector<u8> start(4);
  ASSERT_EQ(open().read(0, start.data(), start.size()), 0);
  EXPECT_EQ(start, (std::vector<u8>{'Q', 'F', 'I', 0xfb}));
  close();
  dynamic_cast<DiskImage&>(open({{"backing", "off"}})).set_backing("base.qcow2", "");
  close();
  EXPECT_EQ(refusal(), "stands on base.qcow2, but does not say of which format that is");
}

TEST_F(BackingFileTest, OneThatIsMissingOrNoFileIsALine) {
  ASSERT_EQ(qemu_img("create -q -u -f qcow2 -b gone.raw -F raw a.qcow2 1M"), 0) << printed;
  EXPECT_EQ(refusal(), "the backing file of " + path("a.qcow2") + ": cannot open " +
                           path("gone.raw") + ": No such file or directory");
  EXPECT_EQ(refusal({{"backing", "off"}}), "");
  ASSERT_EQ(qemu_img("create -q -u -f qcow2 -b nbd://host -F raw a.qcow2 1M"), 0) << printed;
  EXPECT_EQ(refusal(), "stands on nbd://host, which is no file");
}

TEST_F(BackingFileTest, ACircleIsRefused) {
  ASSERT_EQ(qemu_img("create -q -u -f qcow2 -b a.qcow2 -F qcow2 b.qcow2 1M"), 0) << printed;
  ASSERT_EQ(qemu_img("create -q -u -f qcow2 -b b.qcow2 -F qcow2 a.qcow2 1M"), 0) << printed;
  const std::string said = refusal({{"read-only", "on"}});
  EXPECT_NE(said.find("stands on itself"), std::string::npos) << said;
}

TEST_F(BackingFileTest, WhatIsBelowDoesNotShowInWhatIsNew) {
  write_file("base.raw", pattern(1_MiB, 1));
  for (const char* const options : {"compat=1.1", "compat=0.10"}) {
    ASSERT_EQ(qemu_img(std::string("create -q -f qcow2 -b base.raw -F raw -o ") + options +
                       " a.qcow2 300k"),
              0)
        << printed;
    BlockNode& disk = open();
    disk.resize(2_MiB);
    auto model = pattern(1_MiB, 1);
    model.resize(300_KiB);
    model.resize(2_MiB);
    EXPECT_EQ(content_of(disk), model);
    close();
    expect_sound();
    expect_content(model);
  }
}

}  // namespace
}  // namespace backplane::testing
