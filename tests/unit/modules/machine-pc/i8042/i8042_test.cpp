// SPDX-License-Identifier: MIT
#include "i8042/i8042.h"

#include <gtest/gtest.h>

#include "backplane/testing/irq_recorder.h"
#include "i8042/ps2_keyboard.h"
#include "i8042/ps2_mouse.h"

namespace backplane::pc {
namespace {

class KeyboardControllerTest : public ::testing::Test {
 protected:
  u8 ask(u8 command) {
    controller_.write_command(command);
    return controller_.read_data();
  }

  void set_mode(u8 mode) {
    controller_.write_command(0x60);
    controller_.write_data(mode);
  }
  void tell_mouse(u8 byte) {
    controller_.write_command(0xd4);
    controller_.write_data(byte);
  }
  std::vector<u8> read_all() {
    std::vector<u8> bytes;
    while ((controller_.read_status() & 1) != 0 && bytes.size() < 200)
      bytes.push_back(controller_.read_data());
    return bytes;
  }

  testing::IrqRecorder irq_;
  unsigned resets_ = 0;
  Ps2Keyboard keyboard_;
  Ps2Mouse mouse_;
  KeyboardController controller_{irq_.line(1), irq_.line(12), keyboard_, mouse_,
                                 [this] { ++resets_; }};
};
using Bytes = std::vector<u8>;

TEST_F(KeyboardControllerTest, PassesItsTests) {
  EXPECT_EQ(ask(0xaa), 0x55);
  EXPECT_EQ(controller_.read_status() & 0x04, 0x04);
  EXPECT_EQ(ask(0xab), 0x00);
}

TEST_F(KeyboardControllerTest, ResetsTheMachineOnAPulseOfBitZero) {
  controller_.write_command(0xff);
  EXPECT_EQ(resets_, 0u);
  controller_.write_command(0xfe);
  EXPECT_EQ(resets_, 1u);
}

TEST_F(KeyboardControllerTest, ResetsTheMachineThroughItsOutputPort) {
  controller_.write_command(0xd1);
  controller_.write_data(0x03);
  EXPECT_EQ(resets_, 0u);
  controller_.write_command(0xd1);
  controller_.write_data(0x02);
  EXPECT_EQ(resets_, 1u);
}

TEST_F(KeyboardControllerTest, KeepsItsCommandByte) {
  controller_.write_command(0x60);
  controller_.write_data(0x47);
  EXPECT_EQ(ask(0x20), 0x47);
}

TEST_F(KeyboardControllerTest, TheKeyboardIdentifiesItselfAndInterrupts) {
  set_mode(0x01);
  controller_.write_data(0xf2);
  EXPECT_TRUE(irq_.level(1));
  EXPECT_EQ(controller_.read_data(), 0xfa);
  EXPECT_EQ(controller_.read_data(), 0xab);
  EXPECT_EQ(controller_.read_data(), 0x83);
  EXPECT_FALSE(irq_.level(1));
  EXPECT_EQ(irq_.edges(1), 3u);
  EXPECT_EQ(controller_.read_status() & 1, 0);
}

TEST_F(KeyboardControllerTest, TheKeyboardAcknowledgesAParameter) {
  controller_.write_data(0xed);
  EXPECT_EQ(controller_.read_data(), 0xfa);
  controller_.write_data(0x02);
  EXPECT_EQ(controller_.read_data(), 0xfa);
}

TEST_F(KeyboardControllerTest, AnswersThatNobodyReadsAreBounded) {
  for (unsigned n = 0; n < 10'000; ++n) controller_.write_data(0xf2);
  unsigned count = 0;
  while ((controller_.read_status() & 1) != 0) {
    controller_.read_data();
    ++count;
  }
  EXPECT_LE(count, Ps2Queue::kMost + 1);
}

TEST_F(KeyboardControllerTest, TranslatesKeysToSetOne) {
  set_mode(0x41);
  keyboard_.key(30, true);
  keyboard_.key(30, false);
  keyboard_.key(103, true);  // up
  keyboard_.key(103, false);
  EXPECT_EQ(read_all(), (Bytes{0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8}));
}

TEST_F(KeyboardControllerTest, KeysWaitWhileTheirPortIsDisabled) {
  set_mode(0x10);
  keyboard_.key(30, true);
  EXPECT_EQ(read_all(), Bytes{});
  controller_.write_command(0xae);
  EXPECT_EQ(read_all(), Bytes{0x1c});
}

TEST_F(KeyboardControllerTest, TheMouseHasALineOfItsOwn) {
  set_mode(0x02);
  EXPECT_EQ(ask(0xa9), 0x00);
  tell_mouse(0xf4);
  EXPECT_EQ(controller_.read_status() & 0x21, 0x21);
  EXPECT_TRUE(irq_.level(12));
  EXPECT_FALSE(irq_.level(1));
  EXPECT_EQ(controller_.read_data(), 0xfa);
  EXPECT_FALSE(irq_.level(12));
}

TEST_F(KeyboardControllerTest, SaysWhatIsWrittenToItsBuffers) {
  controller_.write_command(0xd2);
  controller_.write_data(0x12);
  EXPECT_EQ(controller_.read_data(), 0x12);
  controller_.write_command(0xd3);
  controller_.write_data(0x34);
  EXPECT_EQ(controller_.read_status() & 0x21, 0x21);
  EXPECT_EQ(controller_.read_data(), 0x34);
}

}  // namespace
}  // namespace backplane::pc
