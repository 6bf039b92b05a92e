// SPDX-License-Identifier: MIT
#include <zlib.h>

#include <algorithm>

#include "boot/images.h"

namespace backplane::pc {
namespace {

using namespace testing;

// The same image elsewhere in memory, its PVH entry point with it.
std::vector<u8> elf32_at(u32 address) {
  std::vector<u8> image = elf32(true);
  put<u32>(image, sizeof(Elf32_Ehdr) + offsetof(Elf32_Phdr, p_paddr), address);
  put<u32>(image, 0x190, address + 0x10);
  return image;
}

std::string text_at(const BootPlan& plan, u64 address) {
  std::string text;
  while (const char c = number_at<char>(plan, address + text.size())) text += c;
  return text;
}

std::vector<u8> multiboot(u32 flags = 3) {
  std::vector<u8> image = elf32(false);
  put<u32>(image, 0x100, 0x1badb002);
  put<u32>(image, 0x104, flags);
  put<u32>(image, 0x108, 0u - 0x1badb002 - flags);
  return image;
}

TEST(Pvh, EntersAtTheNotesAddressWithTheStartInfo) {
  const BootPlan plan = plan_boot(request_for(elf32(true)));
  EXPECT_EQ(plan.entry.mode, EntryMode::Protected32);
  EXPECT_EQ(plan.entry.rip, 0x100010u);
  EXPECT_EQ(plan.entry.rbx, kBootInfoAddress);
  EXPECT_EQ(number_at<u32>(plan, kBootInfoAddress), 0x336ec578u);
  EXPECT_EQ(number_at<u64>(plan, kBootInfoAddress + 24), kCommandLineAddress);
  EXPECT_EQ(number_at<u64>(plan, kBootInfoAddress + 32), 0xe0000u);
  const BootSegment* kernel = segment_at(plan, 0x100000);
  ASSERT_NE(kernel, nullptr);
  EXPECT_EQ(kernel->size, 64u);
  EXPECT_EQ(kernel->memory_size, 256u);
}

TEST(Pvh, HandsOverTheInitrdAsAModule) {
  BootRequest request = request_for(elf32(true));
  request.initrd = blob("initrd", std::vector<u8>(5000, 1));
  const BootPlan plan = plan_boot(request);
  EXPECT_EQ(number_at<u32>(plan, kBootInfoAddress + 12), 1u);
  const u64 modules = number_at<u64>(plan, kBootInfoAddress + 16);
  EXPECT_EQ(number_at<u64>(plan, modules + 8), 5000u);
  EXPECT_EQ(segment_at(plan, number_at<u64>(plan, modules))->blob, request.initrd);
}

TEST(Pvh, GivesTheMemoryMap) {
  const BootPlan plan = plan_boot(request_for(elf32(true)));
  const u64 map = number_at<u64>(plan, kBootInfoAddress + 40);
  const u32 entries = number_at<u32>(plan, kBootInfoAddress + 48);
  ASSERT_GE(entries, 2u);
  EXPECT_EQ(number_at<u64>(plan, map), 0u);
  EXPECT_EQ(number_at<u32>(plan, map + 16), 1u);
}

TEST(Multiboot, EntersWithItsMagicNumbers) {
  const BootPlan plan = plan_boot(request_for(multiboot()));
  EXPECT_EQ(plan.entry.rip, 0x100000u);
  EXPECT_EQ(plan.entry.rax, 0x2badb002u);
  EXPECT_EQ(plan.entry.rbx, kBootInfoAddress);
  EXPECT_EQ(number_at<u32>(plan, kBootInfoAddress + 16), kCommandLineAddress);
  EXPECT_EQ(number_at<u32>(plan, kBootInfoAddress + 8), (64_MiB - 1_MiB) >> 10);
}

TEST(Multiboot, EntersAtThePhysicalAddressOfAVirtualOne) {
  std::vector<u8> image = multiboot();
  put<u32>(image, offsetof(Elf32_Ehdr, e_entry), 0xc0000020);
  EXPECT_NE(refusal(request_for(image)).find("0xc0000020 is in none"), std::string::npos);
  put<u32>(image, sizeof(Elf32_Ehdr) + offsetof(Elf32_Phdr, p_vaddr), 0xc0000000);
  EXPECT_EQ(plan_boot(request_for(image)).entry.rip, 0x100020u);
}

TEST(Multiboot, NamesTheFilesInItsCommandLines) {
  BootRequest request = request_for(multiboot());
  request.kernel_file = "/boot/xen";
  request.initrd = blob("initrd", std::vector<u8>(10, 1));
  request.initrd_file = "dir/initrd.img";
  const BootPlan plan = plan_boot(request);
  const u64 info = plan.entry.rbx;
  EXPECT_EQ(text_at(plan, number_at<u32>(plan, info + 16)), "/boot/xen console=ttyS0");
  ASSERT_EQ(number_at<u32>(plan, info + 20), 1u);
  const u64 module = number_at<u32>(plan, info + 24);
  EXPECT_EQ(number_at<u32>(plan, module + 4) - number_at<u32>(plan, module), 10u);
  EXPECT_EQ(text_at(plan, number_at<u32>(plan, module + 8)), "dir/initrd.img");
  EXPECT_EQ(text_at(plan, number_at<u32>(plan, info + 64)), "backplane");
  request.command_line.clear();
  const BootPlan bare = plan_boot(request);
  EXPECT_EQ(text_at(bare, number_at<u32>(bare, bare.entry.rbx + 16)), "/boot/xen");
}

TEST(Multiboot, LoadsByItsAddressFields) {
  std::vector<u8> image(0x100, 0x90);
  put<u32>(image, 0x10, 0x1badb002);
  put<u32>(image, 0x14, 0x10003);
  put<u32>(image, 0x18, 0u - 0x1badb002 - 0x10003);
  put<u32>(image, 0x1c, 0x200010);  // header
  put<u32>(image, 0x20, 0x200000);  // load
  put<u32>(image, 0x24, 0);         // to the end of the file
  put<u32>(image, 0x28, 0x201000);  // end of bss
  put<u32>(image, 0x2c, 0x200030);  // entry
  const BootPlan plan = plan_boot(request_for(image));
  EXPECT_EQ(plan.entry.rip, 0x200030u);
  const BootSegment* kernel = segment_at(plan, 0x200000);
  ASSERT_NE(kernel, nullptr);
  EXPECT_EQ(kernel->size, 0x100u);
  EXPECT_EQ(kernel->memory_size, 0x1000u);
  put<u32>(image, 0x24, 0x300000);
  EXPECT_NE(refusal(request_for(image)).find("cut short"), std::string::npos);
  put<u32>(image, 0x20, 0x300000);
  EXPECT_NE(refusal(request_for(image)).find("after its header"), std::string::npos);
}

TEST(Multiboot, RefusesRequirementsItCannotMeet) {
  EXPECT_NE(refusal(request_for(multiboot(4))).find("video"), std::string::npos);
  EXPECT_NE(refusal(request_for(multiboot(0x10))).find("unknown requirements"), std::string::npos);
}

TEST(PlanBoot, SaysWhatAnImageIsNot) {
  EXPECT_NE(refusal(request_for(std::vector<u8>(100, 'x'))).find("not a kernel"),
            std::string::npos);
  EXPECT_NE(refusal(request_for({})).find("not a kernel"), std::string::npos);
  EXPECT_NE(refusal(request_for(elf32(false))).find("neither a PVH entry point"),
            std::string::npos);
}

TEST(PlanBoot, RefusesAKernelThatWouldOverwriteWhatFirmwareLeaves) {
  for (const u32 address : {0x0u, 0x4ffu, 0xdff80u, 0xe8000u})
    EXPECT_NE(refusal(request_for(elf32_at(address))).find("where the BIOS data area or the ACPI"),
              std::string::npos)
        << address;
}

TEST(PlanBoot, LoadsWhereverElseThereIsRam) {
  for (const u32 address : {0x500u, 0x8000u, 0x30000u, 0xc0000u, 0xff000u})
    EXPECT_NE(segment_at(plan_boot(request_for(elf32_at(address))), address), nullptr) << address;
}

TEST(PlanBoot, RefusesSegmentsOutsideRam) {
  for (const u32 address : {0x9ffffu, 0xa0000u, 0xbff80u, 0x4000000u, 0xfffffff0u})
    EXPECT_NE(refusal(request_for(elf32_at(address))).find("the kernel needs"), std::string::npos)
        << address;
}

TEST(PlanBoot, RefusesAnEntryPointOutsideTheKernel) {
  std::vector<u8> image = elf32(true);
  put<u32>(image, 0x190, 0x100100);
  EXPECT_NE(refusal(request_for(image)).find("entry point 0x100100 is in none of its segments"),
            std::string::npos);
}

// What the loader leaves behind lies beside the kernel, whatever that covers.
TEST(PlanBoot, KeepsItsOwnDataClearOfTheKernel) {
  struct Case {
    u32 address, size;
  };
  for (const Case& c : {Case{0x1000, 256},
                        {0x8000, 256},
                        {0x1000, 0x90000},
                        {0x500, 0x9f6ff},
                        {0x20000, 256},
                        {0x10000, 0x20000}}) {
    std::vector<u8> image = elf32_at(c.address);
    put<u32>(image, sizeof(Elf32_Ehdr) + offsetof(Elf32_Phdr, p_memsz), c.size);
    const BootPlan plan = plan_boot(request_for(image));
    std::vector<std::pair<u64, u64>> ranges{{plan.entry.gdt, plan.entry.gdt + kGdtSize},
                                            {plan.entry.stack, plan.entry.stack + kStackSize}};
    for (const BootSegment& s : plan.segments) ranges.emplace_back(s.address, s.end());
    std::sort(ranges.begin(), ranges.end());
    for (std::size_t n = 1; n < ranges.size(); ++n)
      EXPECT_LE(ranges[n - 1].second, ranges[n].first) << c.address << " " << c.size;
    EXPECT_EQ(number_at<u32>(plan, plan.entry.rbx), 0x336ec578u);
    EXPECT_EQ(text_at(plan, number_at<u64>(plan, plan.entry.rbx + 24)), "console=ttyS0");
  }
}

TEST(PlanBoot, DamagedElfFilesAreRefusedOrPlannedInBounds) {
  u64 random = 7;
  for (unsigned round = 0; round < 3000; ++round) {
    std::vector<u8> image = elf32(true);
    for (unsigned change = 0; change < 4; ++change) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      image[16 + (random >> 40) % (image.size() - 16)] = static_cast<u8>(random >> 32);
    }
    if (round % 3 == 0) image.resize((random >> 20) % image.size());
    try {
      const BootPlan plan = plan_boot(request_for(image));
      for (const BootSegment& s : plan.segments) {
        EXPECT_LE(s.end(), 64_MiB);
        EXPECT_TRUE(!s.blob || s.blob->holds(s.offset, s.size));
      }
    } catch (const Error&) {
    }
  }
}

TEST(PlanBoot, UnpacksGzip) {
  const std::vector<u8> image = elf32(true);
  std::vector<u8> packed(4096);
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = const_cast<Bytef*>(image.data());
  stream.avail_in = static_cast<uInt>(image.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  EXPECT_EQ(plan_boot(request_for(packed)).entry.rip, 0x100010u);
  packed.resize(packed.size() / 2);
  EXPECT_NE(refusal(request_for(packed)).find("kernel"), std::string::npos);
}

}  // namespace
}  // namespace backplane::pc
