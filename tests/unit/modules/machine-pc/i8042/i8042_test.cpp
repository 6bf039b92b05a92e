// SPDX-License-Identifier: MIT
#include "i8042/i8042.h"

#include <gtest/gtest.h>

#include "backplane/testing/irq_recorder.h"

namespace backplane::pc {
namespace {

class KeyboardControllerTest : public ::testing::Test {
 protected:
  u8 ask(u8 command) {
    controller_.write_command(command);
    return controller_.read_data();
  }

  testing::IrqRecorder irq_;
  unsigned resets_ = 0;
  KeyboardController controller_{irq_.line(), [this] { ++resets_; }};
};

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
  controller_.write_command(0x60);
  controller_.write_data(0x41);
  controller_.write_data(0xf2);
  EXPECT_TRUE(irq_.level());
  EXPECT_EQ(controller_.read_data(), 0xfa);
  EXPECT_EQ(controller_.read_data(), 0xab);
  EXPECT_EQ(controller_.read_data(), 0x83);
  EXPECT_FALSE(irq_.level());
  EXPECT_EQ(irq_.edges(), 3u);
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
  EXPECT_LE(count, 16u);
  EXPECT_EQ(controller_.read_data(), 0);
}

TEST_F(KeyboardControllerTest, HasNoAuxiliaryDevice) {
  EXPECT_NE(ask(0xa9), 0x00);
  controller_.write_command(0xd4);
  controller_.write_data(0xff);
  EXPECT_EQ(controller_.read_status() & 1, 0);
}

}  // namespace
}  // namespace backplane::pc
