// SPDX-License-Identifier: MIT
// What a check finds and repairs, as qemu-img sees it before and after; and images made here.
#include "backplane/image.h"
#include "qcow2_fixture.h"

namespace backplane::testing {
namespace {

class CheckTest : public Qcow2Test {
 protected:
  CheckReport check(Repair repair) {
    auto& file = dynamic_cast<BlockNode&>(
        backends.add(kBlockKind, "file", "checked", {{"filename", path("a.qcow2")}}));
    const CheckReport report = *create_image_format("qcow2")->check(file, repair);
    backends.remove("checked");
    return report;
  }
  void patch(u64 offset, const std::vector<u8>& bytes) {
    std::fstream file(path("a.qcow2"), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  // Refcounts at 0x20000, an L1 table at 0x30000, an L2 table at 0x40000, data behind it.
  void create_used() {
    create("compat=1.1,cluster_size=64k", "1M");
    ASSERT_EQ(open().write(0, bytes.data(), bytes.size()), 0);
    close();
  }

  const std::vector<u8> bytes = pattern(512_KiB, 1);
};

TEST_F(CheckTest, ASoundImageHasNothing) {
  create_used();
  const CheckReport report = check(Repair::Nothing);
  EXPECT_EQ(report.corruptions + report.leaks, 0U);
  EXPECT_EQ(report.allocated, 8U);
  EXPECT_EQ(report.clusters, 16U);
  EXPECT_EQ(report.end, std::filesystem::file_size(path("a.qcow2")));
}

TEST_F(CheckTest, LeaksAreFoundAndGivenBack) {
  create_used();
  patch(0x20000 + 2 * 100, {0, 7});  // of a cluster that nothing uses
  patch(0x20000 + 2 * 5, {0, 3});    // of data
  EXPECT_EQ(check(Repair::Nothing).leaks, 2U);
  EXPECT_EQ(check(Repair::Leaks).leaks_fixed, 2U);
  expect_sound();
  expect_content([this] {
    auto model = bytes;
    model.resize(1_MiB);
    return model;
  }());
}

TEST_F(CheckTest, CountsThatAreTooLowAreMadeAnew) {
  create_used();
  patch(0x20000, std::vector<u8>(64, 0));
  EXPECT_NE(qemu_img("check a.qcow2"), 0);
  EXPECT_GT(check(Repair::Nothing).corruptions, 0U);
  EXPECT_EQ(check(Repair::Leaks).corruptions_fixed, 0U) << "it is asked for leaks alone";
  EXPECT_GT(check(Repair::All).corruptions_fixed, 0U);
  expect_sound();
  EXPECT_EQ(check(Repair::Nothing).corruptions, 0U);
}

TEST_F(CheckTest, MarksOfWhatIsUsedOnceAreSet) {
  create_used();
  patch(0x30000, {0});
  patch(0x40000, {0});
  EXPECT_NE(qemu_img("check a.qcow2"), 0);
  EXPECT_EQ(check(Repair::Nothing).corruptions, 2U);
  EXPECT_EQ(check(Repair::All).corruptions_fixed, 2U);
  expect_sound();
}

TEST_F(CheckTest, ATableThatIsNoneIsLeftAlone) {
  create_used();
  patch(0x40000, {0xff});
  std::ifstream before(path("a.qcow2"), std::ios::binary);
  const std::string was{std::istreambuf_iterator<char>(before), {}};
  EXPECT_GT(check(Repair::All).corruptions, 0U);
  std::ifstream after(path("a.qcow2"), std::ios::binary);
  EXPECT_TRUE(was == std::string(std::istreambuf_iterator<char>(after), {}));
}

TEST_F(CheckTest, TheMarkOfCorruptionGoesWithIt) {
  create_used();
  patch(79, {0x02});
  EXPECT_EQ(refusal(), "is marked corrupt: it can only be read");
  EXPECT_EQ(check(Repair::All).corruptions, 0U);
  EXPECT_EQ(refusal(), "");
}

class MadeTest : public Qcow2Test,
                 public ::testing::WithParamInterface<std::pair<const char*, const char*>> {};

INSTANTIATE_TEST_SUITE_P(
    Options, MadeTest,
    ::testing::Values(std::pair{"compat", "0.10"}, std::pair{"compat", "v3"},
                      std::pair{"cluster_size", "512"}, std::pair{"cluster_size", "2M"},
                      std::pair{"refcount_bits", "1"}, std::pair{"refcount_bits", "64"},
                      std::pair{"lazy_refcounts", "on"}, std::pair{"compression_type", "zstd"},
                      std::pair{"preallocation", "metadata"}, std::pair{"preallocation", "falloc"},
                      std::pair{"preallocation", "full"}));

TEST_P(MadeTest, IsSoundAndCanBeUsed) {
  std::ofstream(path("a.qcow2"));
  auto& file = dynamic_cast<BlockNode&>(
      backends.add(kBlockKind, "file", "new", {{"filename", path("a.qcow2")}}));
  const auto format = create_image_format("qcow2");
  format->set_property(GetParam().first, GetParam().second);
  format->make(file, {.size = 9_MiB + 512});
  backends.remove("new");
  expect_sound();
  expect_content(std::vector<u8>(9_MiB + 512));
  RandomUse use(9_MiB + 512, 2);
  BlockNode& disk = open();
  for (unsigned i = 0; i < 100; ++i) {
    use.step(disk);
    if (HasFatalFailure()) return;
  }
  close();
  expect_sound();
  expect_content(use.model);
}

TEST_F(CheckTest, OptionsThatCannotBeAreALine) {
  for (const auto& [key, value] :
       {std::pair{"cluster_size", "1000"}, {"cluster_size", "4M"}, {"refcount_bits", "3"}}) {
    const auto format = create_image_format("qcow2");
    format->set_property(key, value);
    EXPECT_THROW(format->cluster_size(), Error) << key << value;
  }
  EXPECT_THROW(create_image_format("qcow2")->set_property("compat", "2.0"), Error);
}

}  // namespace
}  // namespace backplane::testing
