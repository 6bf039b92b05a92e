// SPDX-License-Identifier: MIT
#include "mc146818/mc146818.h"

#include <gtest/gtest.h>

#include "backplane/testing/irq_recorder.h"
#include "backplane/testing/test_machine.h"

namespace backplane::pc {
namespace {

constexpr i64 kSecond = 1'000'000'000;
// 2024-02-29 23:59:57 UTC, a Thursday.
constexpr i64 kLeapEvening = 1'709'251'197;

enum Register : u8 {
  kSeconds = 0,
  kSecondsAlarm = 1,
  kMinutes = 2,
  kMinutesAlarm = 3,
  kHours = 4,
  kHoursAlarm = 5,
  kDayOfWeek = 6,
  kDay = 7,
  kMonth = 8,
  kYear = 9,
  kA = 10,
  kB = 11,
  kC = 12,
  kD = 13
};

class RtcTest : public ::testing::Test {
 protected:
  RtcTest() { rtc_.reset(); }
  u8 read(u8 index) {
    rtc_.write(0, index);
    return rtc_.read(1);
  }
  void write(u8 index, u8 value) {
    rtc_.write(0, index);
    rtc_.write(1, value);
  }

  testing::TestMachine machine_{1_MiB};
  testing::IrqRecorder irq_;
  Rtc rtc_{machine_.virtual_clock(), kLeapEvening* kSecond, machine_.virtual_clock(), irq_.line()};
};

TEST_F(RtcTest, TellsTheDateInDecimalDigits) {
  EXPECT_EQ(read(kSeconds), 0x57);
  EXPECT_EQ(read(kMinutes), 0x59);
  EXPECT_EQ(read(kHours), 0x23);
  EXPECT_EQ(read(kDay), 0x29);
  EXPECT_EQ(read(kMonth), 0x02);
  EXPECT_EQ(read(kYear), 0x24);
  EXPECT_EQ(read(Rtc::kCentury), 0x20);
  EXPECT_EQ(read(kDayOfWeek), 5);
  EXPECT_EQ(read(kD), 0x80);
}

TEST_F(RtcTest, GoesOnToMarch) {
  machine_.advance_time(3 * kSecond);
  EXPECT_EQ(read(kSeconds), 0x00);
  EXPECT_EQ(read(kHours), 0x00);
  EXPECT_EQ(read(kDay), 0x01);
  EXPECT_EQ(read(kMonth), 0x03);
}

TEST_F(RtcTest, TellsBinaryAndTwelveHourTimeWhenAsked) {
  write(kB, 0x04);
  EXPECT_EQ(read(kHours), 0x80 | 11);
  EXPECT_EQ(read(kMinutes), 59);
  machine_.advance_time(3 * kSecond);
  EXPECT_EQ(read(kHours), 12);  // midnight
}

TEST_F(RtcTest, CanBeSet) {
  write(kB, 0x82);  // SET
  write(kYear, 0x30);
  write(kMonth, 0x12);
  write(kDay, 0x31);
  write(kHours, 0x08);
  write(kMinutes, 0x30);
  write(kSeconds, 0x00);
  machine_.advance_time(10 * kSecond);
  EXPECT_EQ(read(kSeconds), 0x00);  // stands still
  write(kB, 0x02);
  machine_.advance_time(kSecond);
  EXPECT_EQ(read(kYear), 0x30);
  EXPECT_EQ(read(kDay), 0x31);
  EXPECT_EQ(read(kSeconds), 0x01);
}

TEST_F(RtcTest, AnnouncesAnUpdate) {
  machine_.advance_time(kSecond - 400'000);
  EXPECT_EQ(read(kA) & 0x80, 0);
  machine_.advance_time(200'000);
  EXPECT_EQ(read(kA) & 0x80, 0x80);
  machine_.advance_time(200'000);
  EXPECT_EQ(read(kA) & 0x80, 0);
}

TEST_F(RtcTest, UpdateEndedInterruptsOnceASecond) {
  write(kB, 0x12);
  for (unsigned n = 1; n <= 3; ++n) {
    machine_.advance_time(kSecond);
    EXPECT_TRUE(irq_.level());
    EXPECT_EQ(read(kC) & ~0x20, 0x90);  // midnight is also where the alarm stands
    EXPECT_FALSE(irq_.level());
    EXPECT_EQ(irq_.edges(), n);
  }
}

TEST_F(RtcTest, UpdateFlagIsSetWithoutAnInterruptToo) {
  machine_.advance_time(kSecond);
  EXPECT_EQ(read(kC), 0x10);
  EXPECT_EQ(read(kC), 0x00);
  EXPECT_EQ(irq_.edges(), 0u);
}

TEST_F(RtcTest, AlarmInterruptsWhenTheTimeMatches) {
  write(kHoursAlarm, 0x00);
  write(kMinutesAlarm, 0x01);
  write(kSecondsAlarm, 0x30);
  write(kB, 0x22);
  machine_.advance_time(92 * kSecond);
  EXPECT_FALSE(irq_.level());
  machine_.advance_time(kSecond);
  EXPECT_TRUE(irq_.level());
  EXPECT_EQ(read(kC) & 0x20, 0x20);
}

TEST_F(RtcTest, WildcardsInAnAlarmMatchAnything) {
  write(kHoursAlarm, 0xff);
  write(kMinutesAlarm, 0xff);
  write(kSecondsAlarm, 0x05);
  write(kB, 0x22);
  machine_.advance_time(8 * kSecond);
  EXPECT_EQ(irq_.edges(), 1u);
  read(kC);
  machine_.advance_time(60 * kSecond);
  EXPECT_EQ(irq_.edges(), 2u);
}

TEST_F(RtcTest, PeriodicInterruptFollowsItsRate) {
  write(kA, 0x26);  // 1024 Hz
  write(kB, 0x42);
  unsigned count = 0;
  for (unsigned n = 0; n < 10'000; ++n) {
    machine_.advance_time(100'000);
    if ((read(kC) & 0x40) != 0) ++count;
  }
  EXPECT_NEAR(count, 1024, 2);
}

TEST_F(RtcTest, StandsStillWithItsDividerAndGoesOnHalfASecondAfterIt) {
  machine_.advance_time(kSecond / 4);
  write(kA, 0x76);
  machine_.advance_time(5 * kSecond);
  EXPECT_EQ(read(kSeconds), 0x57);
  EXPECT_EQ(read(kA), 0x76) << "no update is near";
  write(kSeconds, 0x30);
  write(kB, 0x82);
  write(kB, 0x02);
  machine_.advance_time(kSecond);
  EXPECT_EQ(read(kSeconds), 0x30) << "the divider still stands";
  write(kA, 0x26);
  machine_.advance_time(kSecond / 2 - 1);
  EXPECT_EQ(read(kSeconds), 0x30);
  EXPECT_EQ(read(kA), 0xa6) << "an update is near";
  machine_.advance_time(1);
  EXPECT_EQ(read(kSeconds), 0x31);
  machine_.advance_time(kSecond);
  EXPECT_EQ(read(kSeconds), 0x32);
}

TEST_F(RtcTest, ARateOfZeroNeverInterrupts) {
  write(kA, 0x20);
  write(kB, 0x42);
  machine_.advance_time(kSecond);
  EXPECT_EQ(irq_.edges(), 0u);
}

TEST_F(RtcTest, DatesThatDoNotExistDoNoHarm) {
  for (const u8 b : {0x02, 0x06, 0x00, 0x04})
    for (const u8 value : {0x00, 0x13, 0x31, 0x99, 0xaa, 0xff}) {
      write(kB, static_cast<u8>(0x80 | b));
      for (const u8 index : {kSeconds, kMinutes, kHours, kDay, kMonth, kYear}) write(index, value);
      write(Rtc::kCentury, value);
      write(kB, static_cast<u8>(b | 0x70));
      machine_.advance_time(2 * kSecond);
      write(kSeconds, value);
      read(kC);
      EXPECT_LE(read(kMonth), 0x12);
    }
}

TEST_F(RtcTest, MemoryKeepsWhatIsWrittenAndFlagsCannotBeWritten) {
  write(0x40, 0x5a);
  write(kC, 0xff);
  write(kD, 0x00);
  rtc_.reset();
  EXPECT_EQ(read(0x40), 0x5a);
  EXPECT_EQ(read(kC), 0x00);
  EXPECT_EQ(read(kD), 0x80);
}

}  // namespace
}  // namespace backplane::pc
