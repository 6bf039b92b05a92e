// SPDX-License-Identifier: MIT
#include "piix4_pm/acpi_pm.h"

#include <gtest/gtest.h>

#include "backplane/testing/irq_recorder.h"
#include "backplane/testing/test_machine.h"

namespace backplane::pc {
namespace {

constexpr i64 kSecond = 1'000'000'000;
constexpr u64 kStatus = 0, kEnable = 2, kControl = 4, kTimer = 8, kGpeStatus = 12, kGpeEnable = 14;
constexpr u16 kTimerEvent = 1, kPowerButton = 0x100;

class AcpiPmTest : public ::testing::Test {
 protected:
  AcpiPmTest() { pm_.reset(); }

  testing::TestMachine machine_{1_MiB};
  testing::IrqRecorder sci_;
  unsigned power_offs_ = 0;
  AcpiPm pm_{machine_.virtual_clock(), sci_.line(), [this] { ++power_offs_; }};
};

TEST_F(AcpiPmTest, TheTimerCountsIts24Bits) {
  machine_.advance_time(kSecond);
  EXPECT_EQ(pm_.read(kTimer, 4), AcpiPm::kTimerHertz);
  machine_.advance_time(9 * kSecond);
  EXPECT_EQ(pm_.read(kTimer, 4), (10 * AcpiPm::kTimerHertz) & 0xffffff);
}

TEST_F(AcpiPmTest, TheTimersHighestBitRaisesAnEventWhenItChanges) {
  pm_.enable_acpi(true);
  pm_.write(kEnable, kTimerEvent, 2);
  machine_.advance_time(2 * kSecond);
  EXPECT_FALSE(sci_.level());
  machine_.advance_time(kSecond);
  EXPECT_TRUE(sci_.level());
  pm_.write(kStatus, kTimerEvent, 2);
  EXPECT_FALSE(sci_.level());
  machine_.advance_time(3 * kSecond);
  EXPECT_TRUE(sci_.level());
}

TEST_F(AcpiPmTest, ThePowerButtonRaisesTheSciWhenEnabled) {
  pm_.enable_acpi(true);
  pm_.press_power_button();
  EXPECT_FALSE(sci_.level());
  EXPECT_EQ(pm_.read(kStatus, 2), kPowerButton);
  pm_.write(kEnable, kPowerButton, 2);
  EXPECT_TRUE(sci_.level());
  pm_.write(kStatus, kPowerButton, 2);
  EXPECT_FALSE(sci_.level());
}

TEST_F(AcpiPmTest, WithoutSciEnableNothingInterrupts) {
  pm_.write(kEnable, kPowerButton, 2);
  pm_.press_power_button();
  EXPECT_FALSE(sci_.level());
  pm_.enable_acpi(true);
  EXPECT_TRUE(sci_.level());
}

TEST_F(AcpiPmTest, SoftOffNeedsSleepEnable) {
  pm_.write(kControl, AcpiPm::kSoftOffType << 10, 2);
  EXPECT_EQ(power_offs_, 0u);
  pm_.write(kControl, AcpiPm::kSoftOffType << 10 | 1 << 13, 2);
  EXPECT_EQ(power_offs_, 1u);
  EXPECT_EQ(pm_.read(kControl, 2) & 1 << 13, 0u);
}

TEST_F(AcpiPmTest, OtherSleepTypesDoNothing) {
  pm_.write(kControl, 5 << 10 | 1 << 13, 2);
  EXPECT_EQ(power_offs_, 0u);
}

TEST_F(AcpiPmTest, GeneralPurposeEventsAreLatchedAndCleared) {
  pm_.enable_acpi(true);
  pm_.write(kGpeEnable, 0x02, 1);
  pm_.raise_gpe(1);
  EXPECT_TRUE(sci_.level());
  EXPECT_EQ(pm_.read(kGpeStatus, 2), 2u);
  pm_.write(kGpeStatus, 0x02, 1);
  EXPECT_FALSE(sci_.level());
}

TEST_F(AcpiPmTest, PortsBeyondTheBlocksReadAsZero) {
  for (u64 offset = 0x10; offset < AcpiPm::kBlockSize; ++offset) {
    pm_.write(offset, 0xff, 1);
    EXPECT_EQ(pm_.read(offset, 1), 0u);
  }
}

}  // namespace
}  // namespace backplane::pc
