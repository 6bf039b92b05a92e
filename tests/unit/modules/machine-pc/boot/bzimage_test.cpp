// SPDX-License-Identifier: MIT
#include "boot/images.h"

namespace backplane::pc {
namespace {

using namespace testing;

TEST(BzImage, EntersAt64BitsWhereTheKernelPrefersToBe) {
  const BootPlan plan = plan_boot(request_for(bzimage()));
  EXPECT_EQ(plan.entry.mode, EntryMode::Long64);
  EXPECT_EQ(plan.entry.rip, 0x1000200u);
  EXPECT_EQ(plan.entry.rsi, kBootInfoAddress);
  const BootSegment* kernel = segment_at(plan, 0x1000000);
  ASSERT_NE(kernel, nullptr);
  EXPECT_EQ(kernel->offset, 5u * 512);
  EXPECT_EQ(kernel->size, 4096u);
}

TEST(BzImage, EntersAt32BitsWithoutA64BitEntry) {
  std::vector<u8> image = bzimage();
  put<u16>(image, 0x236, 0);
  const BootPlan plan = plan_boot(request_for(image));
  EXPECT_EQ(plan.entry.mode, EntryMode::Protected32);
  EXPECT_EQ(plan.entry.rip, 0x1000000u);
}

TEST(BzImage, MovesARelocatableKernelDownIfRamIsSmall) {
  const BootPlan plan = plan_boot(request_for(bzimage(), 8_MiB));
  EXPECT_EQ(plan.entry.rip, 0x200200u);
}

TEST(BzImage, FillsTheZeroPage) {
  BootRequest request = request_for(bzimage());
  request.initrd = blob("initrd", std::vector<u8>(5000, 1));
  const BootPlan plan = plan_boot(request);
  const auto field = [&]<class T>(u64 offset, T) {
    return number_at<T>(plan, kBootInfoAddress + offset);
  };
  EXPECT_EQ(field(0x202, u32{}), 0x53726448u);
  EXPECT_EQ(field(0x210, u8{}), 0xff);
  EXPECT_EQ(field(0x228, u32{}), kCommandLineAddress);
  EXPECT_EQ(field(0x070, u64{}), 0xe0000u);
  EXPECT_EQ(field(0x21c, u32{}), 5000u);
  const BootSegment* initrd = segment_at(plan, field(0x218, u32{}));
  ASSERT_NE(initrd, nullptr);
  EXPECT_EQ(initrd->blob, request.initrd);
  EXPECT_EQ(initrd->address % 4096, 0u);
  EXPECT_LE(initrd->end(), 64_MiB);
  // The last entry of the memory map is RAM above 1 MiB.
  const u8 entries = field(0x1e8, u8{});
  ASSERT_GE(entries, 3);
  EXPECT_EQ(field(0x2d0 + (entries - 1u) * 20, u64{}), 1_MiB);
  EXPECT_EQ(field(0x2d0 + (entries - 1u) * 20 + 8, u64{}), 63_MiB);
}

TEST(BzImage, KeepsTheInitrdBelowTheKernelsLimit) {
  std::vector<u8> image = bzimage();
  put<u32>(image, 0x22c, 0x1ffffff);
  BootRequest request = request_for(image);
  request.initrd = blob("initrd", std::vector<u8>(5000, 1));
  const BootPlan plan = plan_boot(request);
  EXPECT_LE(number_at<u32>(plan, kBootInfoAddress + 0x218) + 5000, 0x2000000u);
}

TEST(BzImage, EndsTheCommandLineWithNul) {
  const BootPlan plan = plan_boot(request_for(bzimage()));
  const BootSegment* line = segment_at(plan, kCommandLineAddress);
  ASSERT_NE(line, nullptr);
  EXPECT_EQ(std::string(line->bytes.begin(), line->bytes.end()),
            std::string("console=ttyS0\0", 14));
}

TEST(BzImage, RefusesWhatDoesNotFit) {
  EXPECT_NE(refusal(request_for(bzimage(), 2_MiB)).find("the kernel needs"), std::string::npos);
  BootRequest request = request_for(bzimage());
  request.initrd = blob("initrd", std::vector<u8>(60_MiB, 1));
  EXPECT_NE(refusal(request).find("initrd: the initial RAM disk"), std::string::npos);
  request.initrd = blob("initrd", std::vector<u8>(65_MiB, 1));
  EXPECT_NE(refusal(request).find("initrd: the initial RAM disk"), std::string::npos);
  request = request_for(bzimage());
  request.command_line.assign(2048, 'x');
  EXPECT_NE(refusal(request).find("2048 characters"), std::string::npos);
}

TEST(BzImage, RefusesOldAndTruncatedKernels) {
  std::vector<u8> image = bzimage();
  put<u16>(image, 0x206, 0x201);
  EXPECT_NE(refusal(request_for(image)).find("too old"), std::string::npos);
  image = bzimage();
  image.resize(5 * 512);
  EXPECT_NE(refusal(request_for(image)).find("cut short"), std::string::npos);
}

TEST(BzImage, RefusesAnImageWithARealModeEntryAlone) {
  std::vector<u8> image = bzimage();
  put<u16>(image, 0x206, 0x207);
  put<u32>(image, 0x214, 0);
  EXPECT_NE(refusal(request_for(image)).find("no protected-mode entry point"), std::string::npos);
  put<u32>(image, 0x214, 0x100000);
  EXPECT_EQ(plan_boot(request_for(image)).entry.mode, EntryMode::Protected32);
}

TEST(BzImage, AKernelTruncatedAtAnyByteIsRefusedOrPlannedInBounds) {
  const std::vector<u8> image = bzimage();
  for (std::size_t size = 0; size < image.size(); size += size < 0x300 ? 1 : 97) {
    const BootRequest request =
        request_for(std::vector<u8>(image.begin(), image.begin() + static_cast<long>(size)));
    try {
      const BootPlan plan = plan_boot(request);
      for (const BootSegment& s : plan.segments)
        EXPECT_TRUE(!s.blob || s.blob->holds(s.offset, s.size));
    } catch (const Error&) {
    }
  }
}

TEST(BzImage, HeadersOfRandomBytesDoNoHarm) {
  u64 random = 1;
  for (unsigned round = 0; round < 2000; ++round) {
    std::vector<u8> image = bzimage();
    for (u64 offset = 0x206; offset < 0x270; ++offset) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      if ((random >> 60) < 4) image[offset] = static_cast<u8>(random >> 33);
    }
    BootRequest request = request_for(image);
    request.initrd = blob("initrd", std::vector<u8>(100, 1));
    try {
      const BootPlan plan = plan_boot(request);
      for (const BootSegment& s : plan.segments) EXPECT_LE(s.end(), 64_MiB);
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace backplane::pc
