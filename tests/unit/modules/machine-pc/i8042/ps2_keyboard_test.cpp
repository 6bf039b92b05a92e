// SPDX-License-Identifier: MIT
#include "i8042/ps2_keyboard.h"

#include <gtest/gtest.h>

namespace backplane::pc {
namespace {

using Bytes = std::vector<u8>;

struct Ps2KeyboardTest : ::testing::Test {
  Bytes say(std::initializer_list<u8> bytes) {
    for (const u8 byte : bytes) keyboard.write(byte);
    return read_all();
  }
  Bytes read_all() {
    Bytes bytes;
    while (const auto byte = keyboard.read()) bytes.push_back(*byte);
    return bytes;
  }
  Bytes press(KeyCode key) {
    keyboard.key(key, true);
    Bytes bytes = read_all();
    keyboard.key(key, false);
    return bytes;
  }
  Ps2Keyboard keyboard;
};

TEST_F(Ps2KeyboardTest, SendsTheScanCodeSetThatItIsTold) {
  EXPECT_EQ(press(30), Bytes{0x1c});
  EXPECT_EQ(read_all(), (Bytes{0xf0, 0x1c}));
  EXPECT_EQ(say({0xf0, 1}), (Bytes{0xfa, 0xfa}));
  EXPECT_EQ(press(111), (Bytes{0xe0, 0x53}));
  EXPECT_EQ(read_all(), (Bytes{0xe0, 0xd3}));
  EXPECT_EQ(say({0xf0, 3}), (Bytes{0xfa, 0xfa}));
  EXPECT_EQ(press(111), Bytes{0x64});
  EXPECT_EQ(read_all(), (Bytes{0xf0, 0x64}));
  EXPECT_EQ(say({0xf0, 0}), (Bytes{0xfa, 0xfa, 3}));
  EXPECT_EQ(say({0xf0, 9}), (Bytes{0xfa, 0xfe}));
}

TEST_F(Ps2KeyboardTest, PauseAndPrintHaveSequencesOfTheirOwn) {
  EXPECT_EQ(press(119), (Bytes{0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77}));
  EXPECT_EQ(read_all(), Bytes{});
  EXPECT_EQ(press(99), (Bytes{0xe0, 0x12, 0xe0, 0x7c}));
  EXPECT_EQ(read_all(), (Bytes{0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12}));
  keyboard.key(56, true);
  read_all();
  EXPECT_EQ(press(99), Bytes{0x84});
}

TEST_F(Ps2KeyboardTest, TakesParameters) {
  EXPECT_EQ(say({0xed, 0x05}), (Bytes{0xfa, 0xfa}));
  EXPECT_EQ(keyboard.leds(), Ps2Keyboard::kScrollLock | Ps2Keyboard::kCapsLock);
  EXPECT_EQ(say({0xf3, 0x20}), (Bytes{0xfa, 0xfa}));
  EXPECT_EQ(say({0xed, 0xee}), (Bytes{0xfa, 0xee}));  // a command instead
}

TEST_F(Ps2KeyboardTest, IsSilentWhileDisabled) {
  EXPECT_EQ(say({0xf5}), Bytes{0xfa});
  EXPECT_EQ(press(30), Bytes{});
  EXPECT_EQ(say({0xf4}), Bytes{0xfa});
  EXPECT_EQ(press(30), Bytes{0x1c});
}

TEST_F(Ps2KeyboardTest, ResetsAndIdentifiesItself) {
  say({0xf0, 1});
  EXPECT_EQ(say({0xff}), (Bytes{0xfa, 0xaa}));
  EXPECT_EQ(say({0xf2}), (Bytes{0xfa, 0xab, 0x83}));
  EXPECT_EQ(say({0xfe}), Bytes{0x83});
  EXPECT_EQ(press(30), Bytes{0x1c});
  EXPECT_EQ(say({0x01}), (Bytes{0xf0, 0x1c, 0xfe}));
}

TEST_F(Ps2KeyboardTest, LosesWholeKeysThatNobodyReads) {
  for (unsigned n = 0; n < 100; ++n) keyboard.key(103, n % 2 == 0);
  const Bytes bytes = read_all();
  EXPECT_LE(bytes.size(), Ps2Queue::kMost);
  EXPECT_EQ(bytes.back(), 0x75);
}

}  // namespace
}  // namespace backplane::pc
