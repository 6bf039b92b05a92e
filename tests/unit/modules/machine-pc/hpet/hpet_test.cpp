// SPDX-License-Identifier: MIT
#include "hpet/hpet.h"

#include <gtest/gtest.h>

#include "backplane/testing/irq_recorder.h"
#include "backplane/testing/test_machine.h"

namespace backplane::pc {
namespace {

constexpr i64 kMicrosecond = 1000, kMillisecond = 1'000'000;
constexpr u64 kTicksPerMicrosecond = 100;
constexpr u64 kConfig = 0x10, kStatus = 0x20, kCounter = 0xf0;
constexpr u64 kLevel = 2, kEnable = 4, kPeriodic = 8, kSetValue = 0x40, k32Bit = 0x100;

constexpr u64 timer_config(unsigned n) { return 0x100 + 0x20 * n; }
constexpr u64 comparator(unsigned n) { return 0x108 + 0x20 * n; }
constexpr u64 route(unsigned input) { return u64{input} << 9; }

class HpetTest : public ::testing::Test {
 protected:
  u64 read(u64 offset) { return hpet_.read(offset, 8); }
  void write(u64 offset, u64 value) { hpet_.write(offset, value, 8); }

  testing::TestMachine machine_{1_MiB};
  testing::IrqRecorder irqs_;
  Hpet hpet_{machine_.virtual_clock(), irqs_};
};

TEST_F(HpetTest, SaysWhatItCan) {
  EXPECT_EQ(read(0) >> 32, 10'000'000u);  // femtoseconds per tick
  EXPECT_EQ(read(0) >> 8 & 0x1f, 2u);     // last timer
  EXPECT_EQ(hpet_.read(4, 4), 10'000'000u);
}

TEST_F(HpetTest, CountsOnlyWhileEnabled) {
  machine_.advance_time(kMicrosecond);
  EXPECT_EQ(read(kCounter), 0u);
  write(kConfig, 1);
  machine_.advance_time(5 * kMicrosecond);
  EXPECT_EQ(read(kCounter), 5 * kTicksPerMicrosecond);
  write(kConfig, 0);
  machine_.advance_time(kMicrosecond);
  EXPECT_EQ(read(kCounter), 5 * kTicksPerMicrosecond);
}

TEST_F(HpetTest, TheCounterCanBeSetInHalves) {
  hpet_.write(kCounter, 0x11111111, 4);
  hpet_.write(kCounter + 4, 0x22222222, 4);
  EXPECT_EQ(read(kCounter), 0x2222222211111111u);
}

TEST_F(HpetTest, AOneShotTimerFiresWhenTheCounterGetsThere) {
  write(timer_config(0), kEnable | route(20));
  write(comparator(0), 1000 * kTicksPerMicrosecond);
  write(kConfig, 1);
  machine_.advance_time(999 * kMicrosecond);
  EXPECT_EQ(irqs_.edges(20), 0u);
  machine_.advance_time(kMicrosecond);
  EXPECT_EQ(irqs_.edges(20), 1u);
  machine_.advance_time(100 * kMillisecond);
  EXPECT_EQ(irqs_.edges(20), 1u);
}

TEST_F(HpetTest, APeriodicTimerFiresAtEachPeriod) {
  write(timer_config(0), kEnable | kPeriodic | kSetValue | route(20));
  write(comparator(0), 1000 * kTicksPerMicrosecond);
  write(comparator(0), 1000 * kTicksPerMicrosecond);
  write(kConfig, 1);
  machine_.advance_time(10 * kMillisecond);
  EXPECT_EQ(irqs_.edges(20), 10u);
}

TEST_F(HpetTest, APeriodOfZeroOrNearlySoNeitherHangsNorFloods) {
  write(kConfig, 1);
  for (const u64 period : {0, 1, 2, 7}) {
    irqs_.forget();
    write(timer_config(0), kEnable | kPeriodic | kSetValue | route(20));
    write(comparator(0), read(kCounter) + 100);
    write(comparator(0), period);
    machine_.advance_time(10 * kMillisecond);
    EXPECT_LE(irqs_.edges(20), 501u) << period;
    write(timer_config(0), 0);
  }
}

TEST_F(HpetTest, AComparatorInThePastWaitsForTheCounterToWrap) {
  write(kConfig, 1);
  machine_.advance_time(kMillisecond);
  write(timer_config(0), kEnable | k32Bit | route(20));
  write(comparator(0), 1);
  machine_.advance_time(kMillisecond);
  EXPECT_EQ(irqs_.edges(20), 0u);
  machine_.advance_time(43'000 * kMillisecond);  // 2^32 ticks are 42.9 s
  EXPECT_EQ(irqs_.edges(20), 1u);
}

// On a host each look at the clock finds a later time.
TEST(Hpet, AMatchOneTickAheadIsNotMissed) {
  const MachineLock::Guard lock;
  constexpr i64 kTick = 10;  // nanoseconds
  for (const bool counting_before : {false, true}) {
    for (const u64 config : {kEnable, kEnable | k32Bit, kEnable | kPeriodic | kSetValue}) {
      i64 time = 0;
      Clock clock(ClockType::Virtual);
      clock.set_source([&time] { return time += 3 * kTick; });
      testing::IrqRecorder irqs;
      Hpet hpet(clock, irqs);
      if (counting_before) hpet.write(kConfig, 1, 8);
      hpet.write(timer_config(0), config | route(20), 8);
      // Each write takes three ticks.
      const u64 ahead = !counting_before ? 1 : (config & kPeriodic) != 0 ? 7 : 4;
      hpet.write(comparator(0), hpet.read(kCounter, 8) + ahead, 8);
      if ((config & kPeriodic) != 0) hpet.write(comparator(0), 1, 8);
      if (!counting_before) hpet.write(kConfig, 1, 8);
      time += kMillisecond;
      clock.run_timers();
      EXPECT_EQ(irqs.edges(20), 1u) << config << (counting_before ? ", running" : ", stopped");
    }
  }
}

TEST_F(HpetTest, ACounterSetToOneTickBeforeTheMatchGetsThere) {
  write(timer_config(0), kEnable | k32Bit | route(20));
  write(comparator(0), 0);
  write(kConfig, 1);
  write(kCounter, 0xffffffff);
  machine_.advance_time(kMicrosecond);
  EXPECT_EQ(irqs_.edges(20), 1u);
}

TEST_F(HpetTest, ALevelInterruptThatIsPendingShowsWhenItIsEnabledAndMovesWithItsRoute) {
  write(timer_config(1), kLevel | route(21));
  write(comparator(1), 100);
  write(kConfig, 1);
  machine_.advance_time(kMillisecond);
  EXPECT_EQ(read(kStatus), 2u);
  EXPECT_FALSE(irqs_.level(21));
  write(timer_config(1), kEnable | kLevel | route(21));
  EXPECT_TRUE(irqs_.level(21));
  write(timer_config(1), kEnable | kLevel | route(22));
  EXPECT_FALSE(irqs_.level(21));
  EXPECT_TRUE(irqs_.level(22));
  write(kStatus, 2);
  EXPECT_FALSE(irqs_.level(22));
}

TEST_F(HpetTest, ATimerThatNobodySeesCostsNothingAndKeepsItsPeriod) {
  write(timer_config(0), kEnable | kPeriodic | kSetValue | route(20));
  write(comparator(0), 1000 * kTicksPerMicrosecond);
  write(comparator(0), 1000 * kTicksPerMicrosecond);
  write(kConfig, 1);
  machine_.advance_time(2500 * kMicrosecond);
  write(timer_config(0), kPeriodic | route(20));
  EXPECT_EQ(machine_.virtual_clock().next_deadline(), -1);
  EXPECT_EQ(read(comparator(0)), 3000 * kTicksPerMicrosecond);
  machine_.advance_time(7200 * kMicrosecond);
  EXPECT_EQ(read(comparator(0)), 10'000 * kTicksPerMicrosecond);
  irqs_.forget();
  write(timer_config(0), kEnable | kPeriodic | route(20));
  machine_.advance_time(299 * kMicrosecond);
  EXPECT_EQ(irqs_.edges(20), 0u);
  machine_.advance_time(kMicrosecond);
  EXPECT_EQ(irqs_.edges(20), 1u);
}

TEST_F(HpetTest, ALevelInterruptStaysUntilItsStatusIsCleared) {
  write(timer_config(1), kEnable | kLevel | route(21));
  write(comparator(1), 100);
  write(kConfig, 1);
  machine_.advance_time(kMillisecond);
  EXPECT_TRUE(irqs_.level(21));
  EXPECT_EQ(read(kStatus), 2u);
  write(kStatus, 1);
  EXPECT_TRUE(irqs_.level(21));
  write(kStatus, 2);
  EXPECT_FALSE(irqs_.level(21));
}

TEST_F(HpetTest, LegacyReplacementUsesTheOldTimersInputs) {
  write(timer_config(0), kEnable);
  write(timer_config(1), kEnable);
  write(comparator(0), 100);
  write(comparator(1), 200);
  write(kConfig, 3);
  EXPECT_TRUE(hpet_.legacy_replacement());
  machine_.advance_time(kMillisecond);
  EXPECT_EQ(irqs_.edges(2), 1u);
  EXPECT_EQ(irqs_.edges(8), 1u);
}

TEST_F(HpetTest, ARouteThatIsNotOfferedReachesNobody) {
  write(timer_config(0), kEnable | route(5));
  write(comparator(0), 100);
  write(kConfig, 1);
  machine_.advance_time(kMillisecond);
  for (unsigned input = 0; input < 24; ++input) EXPECT_EQ(irqs_.edges(input), 0u);
}

TEST_F(HpetTest, ResetStopsAndLowersEverything) {
  write(timer_config(1), kEnable | kLevel | route(21));
  write(comparator(1), 100);
  write(kConfig, 1);
  machine_.advance_time(kMillisecond);
  hpet_.reset();
  EXPECT_FALSE(irqs_.level(21));
  EXPECT_EQ(read(kConfig), 0u);
  EXPECT_EQ(read(kStatus), 0u);
}

}  // namespace
}  // namespace backplane::pc
