// SPDX-License-Identifier: MIT
#include "interrupts/ioapic.h"

#include <gtest/gtest.h>

#include <vector>

namespace backplane::pc {
namespace {

class IoApicTest : public ::testing::Test {
 protected:
  void write_register(u8 index, u32 value) {
    ioapic_.write(0x00, index, 4);
    ioapic_.write(0x10, value, 4);
  }
  u32 read_register(u8 index) {
    ioapic_.write(0x00, index, 4);
    return static_cast<u32>(ioapic_.read(0x10, 4));
  }
  void set_entry(unsigned pin, u64 entry) {
    write_register(static_cast<u8>(0x11 + 2 * pin), static_cast<u32>(entry >> 32));
    write_register(static_cast<u8>(0x10 + 2 * pin), static_cast<u32>(entry));
  }
  bool remote_irr(unsigned pin) {
    return (read_register(static_cast<u8>(0x10 + 2 * pin)) & 0x4000) != 0;
  }

  std::vector<IoApic::Message> sent_;
  IoApic ioapic_{[this](const IoApic::Message& m) { sent_.push_back(m); }};
};

constexpr u64 kLevel = 0x8000, kMasked = 0x10000, kLogical = 0x800;

TEST_F(IoApicTest, HearsOfTheEndsThatNobodyToldItOf) {
  set_entry(4, kLevel | 0x31);
  set_entry(5, kLevel | 0x32);
  for (const unsigned pin : {4u, 5u}) ioapic_.set_irq(pin, true);
  ASSERT_EQ(sent_.size(), 2u);
  ioapic_.set_irq(4, false);
  ioapic_.end_of_interrupts_but([](u8 vector) { return vector == 0x32; });
  EXPECT_FALSE(remote_irr(4));
  EXPECT_TRUE(remote_irr(5));
  EXPECT_EQ(sent_.size(), 2u);
  // One whose line is still asserted is sent again.
  ioapic_.end_of_interrupts_but([](u8) { return false; });
  EXPECT_EQ(sent_.size(), 3u);
  EXPECT_TRUE(remote_irr(5));
}

TEST_F(IoApicTest, SaysHowManyInputsItHas) { EXPECT_EQ(read_register(1) >> 16 & 0xff, 23u); }

TEST_F(IoApicTest, StartsWithEveryInputMasked) {
  for (u8 pin = 0; pin < 24; ++pin)
    EXPECT_EQ(read_register(static_cast<u8>(0x10 + 2 * pin)), kMasked);
  ioapic_.set_irq(4, true);
  EXPECT_TRUE(sent_.empty());
}

TEST_F(IoApicTest, SendsAnEdgeOnceAsAMessageToItsDestination) {
  set_entry(4, u64{3} << 56 | 0x31);
  ioapic_.set_irq(4, true);
  ioapic_.set_irq(4, true);
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].address, 0xfee03000u);
  EXPECT_EQ(sent_[0].data, 0x31u);
  ioapic_.set_irq(4, false);
  ioapic_.set_irq(4, true);
  EXPECT_EQ(sent_.size(), 2u);
}

TEST_F(IoApicTest, MarksLogicalDestinationsAndDeliveryModes) {
  set_entry(1, u64{0xff} << 56 | kLogical | 1u << 8 | 0x40);
  ioapic_.set_irq(1, true);
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].address, 0xfeeff004u);
  EXPECT_EQ(sent_[0].data, 0x140u);
}

TEST_F(IoApicTest, LosesAnEdgeOnAMaskedInput) {
  set_entry(4, kMasked | 0x31);
  ioapic_.set_irq(4, true);
  set_entry(4, 0x31);
  EXPECT_TRUE(sent_.empty());
}

TEST_F(IoApicTest, HoldsALevelUntilItsEndOfInterrupt) {
  set_entry(16, kLevel | 0x50);
  ioapic_.set_irq(16, true);
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].data, 0xc050u);
  EXPECT_TRUE(remote_irr(16));
  ioapic_.set_irq(16, false);
  ioapic_.set_irq(16, true);
  EXPECT_EQ(sent_.size(), 1u);
  ioapic_.end_of_interrupt(0x50);
  EXPECT_EQ(sent_.size(), 2u);
  ioapic_.set_irq(16, false);
  ioapic_.end_of_interrupt(0x50);
  EXPECT_EQ(sent_.size(), 2u);
  EXPECT_FALSE(remote_irr(16));
}

TEST_F(IoApicTest, EndOfInterruptOfAnotherVectorChangesNothing) {
  set_entry(16, kLevel | 0x50);
  ioapic_.set_irq(16, true);
  ioapic_.end_of_interrupt(0x51);
  EXPECT_TRUE(remote_irr(16));
}

TEST_F(IoApicTest, TheEoiRegisterDoesTheSame) {
  set_entry(16, kLevel | 0x50);
  ioapic_.set_irq(16, true);
  ioapic_.set_irq(16, false);
  ioapic_.write(0x40, 0x50, 4);
  EXPECT_FALSE(remote_irr(16));
}

TEST_F(IoApicTest, UnmaskingAHighLevelInputSends) {
  set_entry(16, kMasked | kLevel | 0x50);
  ioapic_.set_irq(16, true);
  EXPECT_TRUE(sent_.empty());
  set_entry(16, kLevel | 0x50);
  EXPECT_EQ(sent_.size(), 1u);
}

TEST_F(IoApicTest, BecomingEdgeTriggeredForgetsTheRemoteIrr) {
  set_entry(16, kLevel | 0x50);
  ioapic_.set_irq(16, true);
  set_entry(16, kMasked | 0x50);
  EXPECT_FALSE(remote_irr(16));
}

TEST_F(IoApicTest, StatusBitsCannotBeWritten) {
  set_entry(5, kMasked | 0x5000);
  EXPECT_EQ(read_register(0x1a), kMasked);
}

TEST_F(IoApicTest, RegistersThatDoNotExistReadAsZeroAndIgnoreWrites) {
  for (unsigned index = 3; index < 256; ++index) {
    if (index >= 0x10 && index < 0x40) continue;
    write_register(static_cast<u8>(index), ~u32{0});
    EXPECT_EQ(read_register(static_cast<u8>(index)), 0u) << index;
  }
}

}  // namespace
}  // namespace backplane::pc
