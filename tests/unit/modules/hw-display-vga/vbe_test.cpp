// SPDX-License-Identifier: MIT
#include <numeric>

#include "vga_machine.h"

namespace backplane::vga {
namespace {

struct VbeMachine : VgaMachine {
  void mode(u16 width, u16 height, u16 depth, u16 flags = 0x41) {
    dispi(4, 0);
    dispi(1, width);
    dispi(2, height);
    dispi(3, depth);
    dispi(4, flags);
  }
  u64 frame() { return pci.bar_address(0); }
  u64 registers() { return pci.bar_address(2); }
};

TEST(Vbe, SaysItsVersionAndLimits) {
  VbeMachine vga;
  EXPECT_EQ(vga.dispi(0), 0xb0c5);
  EXPECT_EQ(vga.dispi(0xa), 256);
  vga.dispi(4, 2);
  EXPECT_EQ(vga.dispi(1), Screen::kMostPixels);
  EXPECT_EQ(vga.dispi(3), 32);
}

struct Depth {
  u16 bits;
  u64 offset;  // of the pixel at 3,2 in lines of 640
  u32 value;
  u32 colour;
};

class VbeDepth : public ::testing::TestWithParam<Depth> {};

TEST_P(VbeDepth, ShowsThePixelsOfTheFramebuffer) {
  const Depth& depth = GetParam();
  VbeMachine vga;
  vga.mode(640, 480, depth.bits);
  vga.machine.memory().write(vga.frame() + depth.offset, &depth.value, (depth.bits + 7) / 8);
  EXPECT_EQ(vga.pixel(3, 2), depth.colour);
  EXPECT_EQ(vga.pixel(4, 2), kBlack);
  EXPECT_EQ(vga.screen().width(), 640U);
  EXPECT_EQ(vga.screen().height(), 480U);
}

INSTANTIATE_TEST_SUITE_P(All, VbeDepth,
                         ::testing::Values(Depth{8, 1283, 15, kWhite},
                                           Depth{15, 2566, 0x7c00, 0xff0000},
                                           Depth{16, 2566, 0x07e0, 0x00ff00},
                                           Depth{24, 3849, 0x123456, 0x123456},
                                           Depth{32, 5132, 0xff123456, 0x123456}),
                         [](const auto& row) { return fmt::format("{}bits", row.param.bits); });

TEST(Vbe, EnablingAModeClearsItUnlessToldOtherwise) {
  VbeMachine vga;
  vga.machine.memory().store<u32>(vga.frame(), 0xabcdef);
  vga.mode(640, 480, 32, 0xc1);
  EXPECT_EQ(vga.pixel(0, 0), 0xabcdefU);
  vga.mode(640, 480, 32);
  EXPECT_EQ(vga.pixel(0, 0), kBlack);
}

TEST(Vbe, TheWindowShowsABankOfTheFramebuffer) {
  VbeMachine vga;
  vga.mode(640, 480, 32);
  vga.dispi(5, 3);
  vga.machine.memory().store<u32>(0xa0004, 0x00112233);
  EXPECT_EQ(vga.machine.memory().load<u32>(vga.frame() + 0x30004), 0x00112233U);
  vga.dispi(5, 0);
  EXPECT_EQ(vga.machine.memory().load<u32>(0xa0004), 0U);
}

TEST(Vbe, AnOffsetShowsAnotherPart) {
  VbeMachine vga;
  vga.mode(640, 480, 32);
  vga.dispi(6, 1024);
  EXPECT_EQ(vga.dispi(7), 4096);
  vga.dispi(8, 8);
  vga.dispi(9, 100);
  vga.machine.memory().store<u32>(vga.frame() + (100 * 1024 + 8) * 4, 0x445566);
  EXPECT_EQ(vga.pixel(0, 0), 0x445566U);
}

TEST(Vbe, WhatDoesNotFitIsCutOff) {
  VbeMachine vga;
  vga.mode(0xffff, 0xffff, 32);
  EXPECT_EQ(vga.dispi(1), Screen::kMostPixels);
  EXPECT_EQ(vga.dispi(2), 1024);  // of 16 MiB
  vga.mode(0, 0, 7);
  EXPECT_EQ(vga.dispi(1), 8);
  EXPECT_EQ(vga.dispi(2), 1);
  EXPECT_EQ(vga.dispi(3), 8);
  vga.pixel(0, 0);
}

TEST(Vbe, RegistersAreInMemoryToo) {
  VbeMachine vga;
  AddressSpace& memory = vga.machine.memory();
  EXPECT_EQ(memory.load<u16>(vga.registers() + 0x500), 0xb0c5);
  memory.store<u16>(vga.registers() + 0x502, 800);
  EXPECT_EQ(vga.dispi(1), 800);
  memory.store<u8>(vga.registers() + 0x408, 9);  // 3C8h
  EXPECT_EQ(vga.in(0x3c8), 9);
  EXPECT_EQ(memory.load<u32>(vga.registers() + 0x604), 0x1e1e1e1eU);
}

TEST(Vbe, TheMonitorSaysItsSize) {
  VgaMachine vga(nullptr, {{"xres", "1920"}, {"yres", "1080"}});
  std::array<u8, 128> edid;
  vga.machine.memory().read(vga.pci.bar_address(2), edid.data(), edid.size());
  EXPECT_EQ(static_cast<u8>(std::accumulate(edid.begin(), edid.end(), 0)), 0);
  EXPECT_EQ(edid[0], 0x00);
  EXPECT_EQ(edid[1], 0xff);
  EXPECT_EQ(edid[56] | (edid[58] & 0xf0) << 4, 1920);
  EXPECT_EQ(edid[59] | (edid[61] & 0xf0) << 4, 1080);
}

TEST(Vbe, MemoryIsAPowerOfTwo) { EXPECT_THROW(VgaMachine(nullptr, {{"vgamem_mb", "3"}}), Error); }

TEST(Vbe, AResetIsBackInText) {
  VbeMachine vga;
  vga.mode(640, 480, 32);
  vga.machine.reset_sequence().run();
  EXPECT_EQ(vga.dispi(4), 0);
}

}  // namespace
}  // namespace backplane::vga
