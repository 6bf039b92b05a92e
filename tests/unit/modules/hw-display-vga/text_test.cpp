// SPDX-License-Identifier: MIT
#include "vga_machine.h"

namespace backplane::vga {
namespace {

// 80x25 characters of 8x16, whose glyph n is n's bits on each line.
struct TextMachine : VgaMachine {
  TextMachine() {
    size(80, 400, 15);
    graphics(8, 0xff);
    sequencer(2, 4);  // plane 2, as it is addressed
    sequencer(4, 7);
    graphics(5, 0);
    graphics(6, 5);
    for (u32 character = 0; character < 256; ++character)
      for (u32 line = 0; line < 16; ++line)
        poke(0xa0000 + character * 32 + line, static_cast<u8>(character));
    sequencer(2, 3);  // characters and attributes in turn
    sequencer(4, 3);
    graphics(5, 0x10);
    graphics(6, 0x0e);
    sequencer(1, 1);
    crtc(0x0a, 0x20);
  }
  void put(u32 cell, u8 character, u8 attribute) {
    machine.memory().store<u16>(0xb8000 + 2 * cell, static_cast<u16>(attribute << 8 | character));
  }
};

TEST(VgaText, ShowsCharactersInTheirColours) {
  TextMachine vga;
  vga.put(81, 0x81, 0x1f);
  EXPECT_EQ(vga.pixel(8, 16), kWhite);
  EXPECT_EQ(vga.pixel(9, 16), 0x040000U);
  EXPECT_EQ(vga.pixel(15, 31), kWhite);
  EXPECT_EQ(vga.pixel(16, 31), kBlack);
  EXPECT_EQ(vga.screen().width(), 640U);
  EXPECT_EQ(vga.screen().height(), 400U);
}

TEST(VgaText, IsReadBackAsItWasWritten) {
  TextMachine vga;
  vga.put(3, 'x', 0x07);
  EXPECT_EQ(vga.peek(0xb8006), 'x');
  EXPECT_EQ(vga.peek(0xb8007), 0x07);
}

TEST(VgaText, NineDotsRepeatTheEighthOfLineGraphics) {
  TextMachine vga;
  vga.sequencer(1, 0);
  vga.attribute(0x10, 0x04);
  vga.attribute(0x13, 0x08);
  vga.put(0, 0xc1, 0x0f);
  vga.put(1, 0x01, 0x0f);
  EXPECT_EQ(vga.pixel(8, 0), kWhite);
  EXPECT_EQ(vga.pixel(9 + 7, 0), kWhite);
  EXPECT_EQ(vga.pixel(9 + 8, 0), kBlack);
  EXPECT_EQ(vga.screen().width(), 720U);
}

TEST(VgaText, ScrollsByItsStartAddress) {
  TextMachine vga;
  vga.put(80, 0x80, 0x0f);
  EXPECT_EQ(vga.pixel(0, 0), kBlack);
  vga.crtc(0x0d, 80);
  EXPECT_EQ(vga.pixel(0, 0), kWhite);
}

TEST(VgaText, HasItsCursorWhereItIsPut) {
  TextMachine vga;
  vga.put(5, 0, 0x0f);
  vga.crtc(0x0f, 5);
  vga.crtc(0x0a, 14);
  vga.crtc(0x0b, 15);
  EXPECT_EQ(vga.pixel(40, 13), kBlack);
  EXPECT_EQ(vga.pixel(40, 14), kWhite);
  vga.crtc(0x0a, 0x20);
  EXPECT_EQ(vga.pixel(40, 14), kBlack);
}

TEST(VgaText, AttributeThreeChoosesTheSecondFont) {
  TextMachine vga;
  vga.put(0, 0xff, 0x0f);
  EXPECT_EQ(vga.pixel(0, 0), kWhite);
  vga.sequencer(3, 0x04);  // the second is elsewhere, where there is nothing
  EXPECT_EQ(vga.pixel(0, 0), kBlack);
  vga.put(0, 0xff, 0x07);
  EXPECT_EQ(vga.pixel(0, 0), 0x1c0000U);
}

TEST(VgaText, IsDarkWhileThePaletteIsWritten) {
  TextMachine vga;
  vga.put(0, 0xff, 0x0f);
  EXPECT_EQ(vga.pixel(0, 0), kWhite);
  vga.in(0x3da);
  vga.out(0x3c0, 0);
  EXPECT_EQ(vga.pixel(0, 0), kBlack);
}

}  // namespace
}  // namespace backplane::vga
