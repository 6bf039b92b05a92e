// SPDX-License-Identifier: MIT
#include "vga_machine.h"

namespace backplane::vga {
namespace {

// 640x480 in four planes.
struct PlanarMachine : VgaMachine {
  PlanarMachine() {
    size(80, 480);
    sequencer(1, 1);
    sequencer(2, 0x0f);
    sequencer(4, 6);
    graphics(5, 0);
    graphics(6, 5);
    graphics(7, 0x0f);
    graphics(8, 0xff);
  }
};

// What the four planes of an address have.
std::array<u8, 4> planes(VgaMachine& vga, u32 address) {
  std::array<u8, 4> bytes;
  vga.graphics(5, 0);
  for (u8 plane = 0; plane < 4; ++plane) {
    vga.graphics(4, plane);
    bytes[plane] = vga.peek(0xa0000 + address);
  }
  return bytes;
}
using Planes = std::array<u8, 4>;

TEST(VgaPlanes, ShowAPixelOfABitEach) {
  PlanarMachine vga;
  vga.sequencer(2, 0x05);
  vga.poke(0xa0000 + 80 + 1, 0x40);
  EXPECT_EQ(vga.pixel(9, 1), 0x140000U);
  EXPECT_EQ(vga.pixel(8, 1), kBlack);
  EXPECT_EQ(vga.screen().width(), 640U);
  EXPECT_EQ(vga.screen().height(), 480U);
}

TEST(VgaPlanes, WriteMode0SetsResetsRotatesAndCombines) {
  PlanarMachine vga;
  vga.graphics(0, 0x05);  // planes 0 and 2 are set, 1 reset, 3 gets the byte
  vga.graphics(1, 0x07);
  vga.graphics(3, 4);
  vga.poke(0xa0000, 0x12);
  EXPECT_EQ(planes(vga, 0), (Planes{0xff, 0x00, 0xff, 0x21}));
  vga.graphics(1, 0);
  vga.graphics(8, 0xf0);
  vga.graphics(3, 0x18);  // XOR with the latches
  vga.peek(0xa0000);
  vga.poke(0xa0000, 0xff);
  EXPECT_EQ(planes(vga, 0), (Planes{0x0f, 0xf0, 0x0f, 0xd1}));
}

TEST(VgaPlanes, ADebuggerSeesThemAndLeavesTheLatches) {
  PlanarMachine vga;
  vga.poke(0xa0000, 0x5a);
  vga.poke(0xa0001, 0xa5);
  vga.peek(0xa0000);
  u8 seen = 0;
  EXPECT_EQ(vga.machine.memory().debug_read(0xa0001, &seen, 1), MemResult::Ok);
  EXPECT_EQ(seen, 0xa5);
  const u8 written = 0x77;
  EXPECT_EQ(vga.machine.memory().debug_write(0xa0002, &written, 1), MemResult::Ok);
  vga.graphics(5, 1);
  vga.poke(0xa0003, 0);
  vga.graphics(5, 0);
  EXPECT_EQ(vga.peek(0xa0002), 0x77);
  EXPECT_EQ(vga.peek(0xa0003), 0x5a);
}

TEST(VgaPlanes, WriteMode1CopiesTheLatches) {
  PlanarMachine vga;
  for (u8 plane = 0; plane < 4; ++plane) {
    vga.sequencer(2, static_cast<u8>(1 << plane));
    vga.poke(0xa0000, static_cast<u8>(0x11 * (plane + 1)));
  }
  vga.sequencer(2, 0x0f);
  vga.graphics(5, 1);
  vga.peek(0xa0000);
  vga.poke(0xa0100, 0);
  EXPECT_EQ(planes(vga, 0x100), (Planes{0x11, 0x22, 0x33, 0x44}));
}

TEST(VgaPlanes, WriteMode2TakesAColour) {
  PlanarMachine vga;
  vga.graphics(5, 2);
  vga.graphics(8, 0x18);
  vga.peek(0xa0000);
  vga.poke(0xa0000, 0x0a);
  EXPECT_EQ(planes(vga, 0), (Planes{0, 0x18, 0, 0x18}));
}

TEST(VgaPlanes, WriteMode3MasksByTheByte) {
  PlanarMachine vga;
  vga.graphics(0, 0x06);
  vga.graphics(5, 3);
  vga.graphics(8, 0x3c);
  vga.peek(0xa0000);
  vga.poke(0xa0000, 0xf0);
  EXPECT_EQ(planes(vga, 0), (Planes{0, 0x30, 0x30, 0}));
}

TEST(VgaPlanes, ReadMode1ComparesColours) {
  PlanarMachine vga;
  vga.graphics(5, 2);
  vga.graphics(8, 0x0f);
  vga.peek(0xa0000);
  vga.poke(0xa0000, 0x09);
  vga.graphics(5, 8);
  vga.graphics(2, 0x09);
  EXPECT_EQ(vga.peek(0xa0000), 0x0f);
  vga.graphics(7, 0x06);  // of planes that are zero everywhere
  vga.graphics(2, 0x00);
  EXPECT_EQ(vga.peek(0xa0000), 0xff);
}

TEST(VgaPlanes, LineCompareShowsMemoryFromItsBeginning) {
  PlanarMachine vga;
  vga.poke(0xa0000, 0x80);
  vga.crtc(0x0d, 160);
  EXPECT_EQ(vga.pixel(0, 101), kBlack);
  vga.crtc(0x18, 100);
  vga.crtc(0x07, 0x42);
  vga.crtc(0x09, 0);
  EXPECT_EQ(vga.pixel(0, 101), kWhite);
  EXPECT_EQ(vga.pixel(0, 100), kBlack);
}

// 320x200 in 256 colours.
struct Mode13Machine : VgaMachine {
  Mode13Machine() {
    size(80, 400, 1);
    sequencer(1, 1);
    sequencer(2, 0x0f);
    sequencer(4, 0x0e);
    graphics(5, 0x40);
    graphics(6, 5);
    graphics(8, 0xff);
  }
};

TEST(VgaBytes, ShowAPixelOfAByteFourTimes) {
  Mode13Machine vga;
  vga.poke(0xa0000 + 320 + 5, 15);
  for (const auto& [x, y] : {std::pair{10U, 2U}, {11U, 2U}, {10U, 3U}, {11U, 3U}})
    EXPECT_EQ(vga.pixel(x, y), kWhite);
  EXPECT_EQ(vga.pixel(9, 2), kBlack);
  EXPECT_EQ(vga.pixel(10, 4), kBlack);
}

TEST(VgaBytes, UnchainedPlanesAreEveryFourthPixel) {
  Mode13Machine vga;
  vga.sequencer(4, 0x06);
  vga.crtc(0x14, 0);
  vga.sequencer(2, 0x04);
  vga.poke(0xa0000 + 1, 15);
  EXPECT_EQ(vga.pixel(12, 0), kWhite);
  EXPECT_EQ(vga.pixel(14, 0), kBlack);
  // Flipping between pages.
  vga.poke(0xa0000 + 0x4000, 15);
  vga.crtc(0x0c, 0x40);
  EXPECT_EQ(vga.pixel(4, 0), kWhite);
}

TEST(VgaBytes, AChangedColourIsSeen) {
  Mode13Machine vga;
  EXPECT_EQ(vga.pixel(0, 0), kBlack);
  vga.out(0x3c8, 0);
  for (const u8 part : {0x3f, 0x15, 0x00}) vga.out(0x3c9, part);
  EXPECT_EQ(vga.pixel(0, 0), 0xff5500U);
  vga.out(0x3c7, 0);
  EXPECT_EQ(vga.in(0x3c9), 0x3f);
  EXPECT_EQ(vga.in(0x3c9), 0x15);
}

TEST(VgaCga, RowsTakeTurnsInTwoHalves) {
  VgaMachine vga;
  vga.size(40, 400, 0);
  vga.crtc(0x09, 0x41);  // twice each
  vga.crtc(0x13, 0x14);
  vga.crtc(0x17, 0xa2);
  vga.sequencer(1, 9);
  vga.sequencer(2, 3);
  vga.sequencer(4, 2);
  vga.graphics(5, 0x30);
  vga.graphics(6, 0x0f);
  vga.poke(0xb8000, 0xc0);
  vga.poke(0xb8001, 0x40);
  vga.poke(0xba000, 0x80);
  EXPECT_EQ(vga.pixel(0, 0), 0x0c0000U);
  EXPECT_EQ(vga.pixel(8, 0), 0x040000U);
  EXPECT_EQ(vga.pixel(0, 1), 0x080000U);
  EXPECT_EQ(vga.screen().width(), 640U);
}

TEST(VgaRegisters, TheCrtcsFirstEightAreProtected) {
  VgaMachine vga;
  vga.crtc(0x11, 0x00);
  vga.crtc(0x01, 0x4f);
  vga.crtc(0x11, 0x80);
  vga.crtc(0x01, 0x27);
  vga.out(0x3d4, 0x01);
  EXPECT_EQ(vga.in(0x3d5), 0x4f);
}

TEST(VgaRegisters, MonochromeMovesTheCrtc) {
  VgaMachine vga;
  vga.out(0x3c2, 0x66);
  vga.indexed(0x3b4, 0x0e, 0x12);
  EXPECT_EQ(vga.in(0x3d5), 0xff);
  vga.out(0x3b4, 0x0e);
  EXPECT_EQ(vga.in(0x3b5), 0x12);
}

TEST(VgaRegisters, ARetraceComesAndGoes) {
  VgaMachine vga;
  EXPECT_NE(vga.in(0x3da) & 8, vga.in(0x3da) & 8);
}

}  // namespace
}  // namespace backplane::vga
