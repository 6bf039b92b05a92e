// SPDX-License-Identifier: MIT
#include "interrupts/i8259.h"

#include <gtest/gtest.h>

#include "backplane/testing/irq_recorder.h"

namespace backplane::pc {
namespace {

class PicPairTest : public ::testing::Test {
 protected:
  // As a PC's system software does: vectors 20h and 28h, cascade on input 2, nothing masked.
  void initialize(u8 icw4 = 0x01) {
    for (unsigned chip = 0; chip < 2; ++chip) {
      pics_.write(chip, 0, 0x11);
      pics_.write(chip, 1, chip == 0 ? 0x20 : 0x28);
      pics_.write(chip, 1, chip == 0 ? 0x04 : 0x02);
      pics_.write(chip, 1, icw4);
      pics_.write(chip, 1, 0x00);
    }
  }
  void end_of_interrupt(unsigned chip) { pics_.write(chip, 0, 0x20); }
  u8 in_service(unsigned chip) {
    pics_.write(chip, 0, 0x0b);
    return pics_.read(chip, 0);
  }
  u8 requests(unsigned chip) {
    pics_.write(chip, 0, 0x0a);
    return pics_.read(chip, 0);
  }

  testing::IrqRecorder cpu_;
  PicPair pics_{cpu_.line()};
};

TEST_F(PicPairTest, RaisesIntrOnARisingEdgeAndGivesItsVector) {
  initialize();
  pics_.set_irq(4, true);
  EXPECT_TRUE(cpu_.level());
  EXPECT_EQ(pics_.acknowledge(), 0x24);
  EXPECT_FALSE(cpu_.level());
  EXPECT_EQ(in_service(0), 0x10);
}

TEST_F(PicPairTest, RoutesTheSecondChipThroughTheCascade) {
  initialize();
  pics_.set_irq(9, true);
  EXPECT_EQ(pics_.acknowledge(), 0x29);
  EXPECT_EQ(in_service(0), 0x04);
  EXPECT_EQ(in_service(1), 0x02);
}

TEST_F(PicPairTest, AnEdgeInputDoesNotFireTwiceWhileItStaysHigh) {
  initialize();
  pics_.set_irq(4, true);
  pics_.acknowledge();
  end_of_interrupt(0);
  EXPECT_FALSE(cpu_.level());
}

TEST_F(PicPairTest, AnEdgeThatFallsBeforeItIsTakenIsWithdrawnAndTheNextOneCounts) {
  initialize();
  pics_.set_irq(0, true);
  EXPECT_TRUE(cpu_.level());
  pics_.set_irq(0, false);
  EXPECT_FALSE(cpu_.level());
  pics_.set_irq(0, true);
  EXPECT_EQ(cpu_.edges(), 2u);
  EXPECT_EQ(pics_.acknowledge(), 0x20);
}

TEST_F(PicPairTest, ALevelInputFiresAgainUntilItFalls) {
  initialize();
  pics_.write_elcr(1, 0x04);  // IRQ 10
  pics_.set_irq(10, true);
  EXPECT_EQ(pics_.acknowledge(), 0x2a);
  end_of_interrupt(1);
  end_of_interrupt(0);
  EXPECT_TRUE(cpu_.level());
  pics_.set_irq(10, false);
  EXPECT_FALSE(cpu_.level());
}

TEST_F(PicPairTest, AWithdrawnRequestReadsAsSpurious) {
  initialize();
  EXPECT_EQ(pics_.acknowledge(), 0x27);
  EXPECT_EQ(in_service(0), 0x00);
}

TEST_F(PicPairTest, ARequestThatOnlyTheSecondChipWithdrewIsItsSpuriousOne) {
  initialize();
  pics_.write_elcr(1, 0x04);
  pics_.set_irq(10, true);
  ASSERT_TRUE(cpu_.level());
  pics_.set_irq(10, false);
  EXPECT_FALSE(cpu_.level());
}

TEST_F(PicPairTest, HigherPriorityInterruptsLowerAndNotTheOtherWayAround) {
  initialize();
  pics_.set_irq(4, true);
  EXPECT_EQ(pics_.acknowledge(), 0x24);
  pics_.set_irq(5, true);
  EXPECT_FALSE(cpu_.level());
  pics_.set_irq(1, true);
  EXPECT_TRUE(cpu_.level());
  EXPECT_EQ(pics_.acknowledge(), 0x21);
  end_of_interrupt(0);
  EXPECT_FALSE(cpu_.level());
  end_of_interrupt(0);
  EXPECT_EQ(pics_.acknowledge(), 0x25);
}

TEST_F(PicPairTest, AMaskedInputWaits) {
  initialize();
  pics_.write(0, 1, 0x10);
  pics_.set_irq(4, true);
  EXPECT_FALSE(cpu_.level());
  EXPECT_EQ(requests(0), 0x10);
  pics_.write(0, 1, 0x00);
  EXPECT_TRUE(cpu_.level());
}

TEST_F(PicPairTest, SpecificEndOfInterruptNamesItsInput) {
  initialize();
  pics_.set_irq(4, true);
  pics_.acknowledge();
  pics_.write(0, 0, 0x60 | 4);
  EXPECT_EQ(in_service(0), 0);
}

TEST_F(PicPairTest, RotationMakesTheServedInputTheLowest) {
  initialize();
  pics_.set_irq(3, true);
  pics_.acknowledge();
  pics_.write(0, 0, 0xa0);  // rotate on non-specific EOI
  pics_.set_irq(3, false);
  pics_.set_irq(3, true);
  pics_.set_irq(4, true);
  EXPECT_EQ(pics_.acknowledge(), 0x24);
}

TEST_F(PicPairTest, AutomaticEndOfInterruptLeavesNothingInService) {
  initialize(0x03);
  pics_.set_irq(4, true);
  EXPECT_EQ(pics_.acknowledge(), 0x24);
  EXPECT_EQ(in_service(0), 0);
}

TEST_F(PicPairTest, SpecialMaskModeLetsLowerPrioritiesThrough) {
  initialize();
  pics_.set_irq(3, true);
  pics_.acknowledge();
  pics_.write(0, 1, 0x08);  // mask it
  pics_.write(0, 0, 0x68);  // special mask mode
  pics_.set_irq(5, true);
  EXPECT_EQ(pics_.acknowledge(), 0x25);
}

TEST_F(PicPairTest, PollCommandAcknowledgesThroughARead) {
  initialize();
  pics_.set_irq(6, true);
  pics_.write(0, 0, 0x0c);
  EXPECT_EQ(pics_.read(0, 0), 0x86);
  EXPECT_EQ(in_service(0), 0x40);
  pics_.write(0, 0, 0x0c);
  EXPECT_EQ(pics_.read(0, 0), 0);
}

TEST_F(PicPairTest, ElcrKeepsOnlyTheInputsThatCanBeLevelTriggered) {
  pics_.write_elcr(0, 0xff);
  pics_.write_elcr(1, 0xff);
  EXPECT_EQ(pics_.read_elcr(0), 0xf8);
  EXPECT_EQ(pics_.read_elcr(1), 0xde);
}

TEST_F(PicPairTest, CountsWhatWasAcknowledged) {
  initialize();
  pics_.set_irq(9, true);
  pics_.acknowledge();
  EXPECT_EQ(pics_.count(9), 1u);
  EXPECT_EQ(pics_.count(2), 0u);
}

}  // namespace
}  // namespace backplane::pc
