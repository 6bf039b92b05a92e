// SPDX-License-Identifier: MIT
#include "i8042/ps2_mouse.h"

#include <gtest/gtest.h>

namespace backplane::pc {
namespace {

using Bytes = std::vector<u8>;

struct Ps2MouseTest : ::testing::Test {
  Bytes say(std::initializer_list<u8> bytes) {
    for (const u8 byte : bytes) mouse.write(byte);
    return read_all();
  }
  Bytes read_all() {
    Bytes bytes;
    while (const auto byte = mouse.read()) bytes.push_back(*byte);
    return bytes;
  }
  void be_wheel_mouse() { say({0xf3, 200, 0xf3, 100, 0xf3, 80}); }
  void be_five_buttons() {
    be_wheel_mouse();
    say({0xf3, 200, 0xf3, 200, 0xf3, 80});
  }
  Ps2Mouse mouse;
};

TEST_F(Ps2MouseTest, TellsOfMovementOnceItIsEnabled) {
  mouse.move_by(5, 5);
  mouse.sync();
  EXPECT_EQ(read_all(), Bytes{});
  EXPECT_EQ(say({0xf4}), Bytes{0xfa});
  mouse.move_by(3, 2);
  mouse.sync();
  EXPECT_EQ(read_all(), (Bytes{0x28, 3, 0xfe}));
  mouse.move_by(-1, -4);
  mouse.button(PointerButton::Left, true);
  mouse.sync();
  EXPECT_EQ(read_all(), (Bytes{0x19, 0xff, 4}));
}

TEST_F(Ps2MouseTest, CutsWhatIsTooFarIntoPieces) {
  say({0xf4});
  mouse.move_by(300, 0);
  mouse.sync();
  EXPECT_EQ(read_all(), (Bytes{0x08, 255, 0, 0x08, 45, 0}));
}

TEST_F(Ps2MouseTest, HasAWheelWhenItIsAsked) {
  EXPECT_EQ(say({0xf2}), (Bytes{0xfa, 0}));
  be_wheel_mouse();
  EXPECT_EQ(say({0xf2}), (Bytes{0xfa, 3}));
  say({0xf4});
  mouse.button(PointerButton::WheelUp, true);
  mouse.button(PointerButton::WheelUp, false);
  mouse.sync();
  EXPECT_EQ(read_all(), (Bytes{0x08, 0, 0, 0xff}));
}

TEST_F(Ps2MouseTest, HasFiveButtonsWhenItIsAskedForThoseToo) {
  be_five_buttons();
  EXPECT_EQ(say({0xf2}), (Bytes{0xfa, 4}));
  say({0xf4});
  mouse.button(PointerButton::Side, true);
  mouse.button(PointerButton::WheelDown, true);
  mouse.sync();
  EXPECT_EQ(read_all(), (Bytes{0x08, 0, 0, 0x11}));
}

TEST_F(Ps2MouseTest, AnswersWhatItIsAsked) {
  EXPECT_EQ(say({0xff}), (Bytes{0xfa, 0xaa, 0}));
  EXPECT_EQ(say({0xe8, 3, 0xf3, 40, 0xe7, 0xf4}), (Bytes(6, 0xfa)));
  EXPECT_EQ(say({0xe9}), (Bytes{0xfa, 0x30, 3, 40}));
  EXPECT_EQ(say({0x00}), Bytes{0xfe});
  EXPECT_EQ(say({0xee, 0x55}), (Bytes{0xfa, 0x55}));
  EXPECT_EQ(say({0xec}), Bytes{0xfa});
}

TEST_F(Ps2MouseTest, IsAskedForEachMovementInRemoteMode) {
  say({0xf4, 0xf0});
  mouse.move_by(1, 0);
  mouse.sync();
  EXPECT_EQ(read_all(), Bytes{});
  EXPECT_EQ(say({0xeb}), (Bytes{0xfa, 0x08, 1, 0}));
}

TEST_F(Ps2MouseTest, AddsUpWhatNobodyReads) {
  say({0xf4});
  for (unsigned n = 0; n < 1000; ++n) {
    mouse.move_by(1, 0);
    mouse.sync();
  }
  unsigned moved = 0;
  const Bytes bytes = read_all();
  for (std::size_t at = 1; at < bytes.size(); at += 3) moved += bytes[at];
  EXPECT_EQ(moved, 1000U);
}

}  // namespace
}  // namespace backplane::pc
