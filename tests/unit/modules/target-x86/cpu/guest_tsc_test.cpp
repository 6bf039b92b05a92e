// SPDX-License-Identifier: MIT
#include "cpu/guest_tsc.h"

#include <gtest/gtest.h>

#include "backplane/machine_lock.h"

namespace backplane::x86 {
namespace {

constexpr i64 kMillisecond = 1'000'000;
constexpr u64 kFrequency = 2'000'000'000;  // two ticks a nanosecond
constexpr i64 kSlack = 5 * kMillisecond;

// A host whose counter runs a little faster than it says it does.
class GuestTscTest : public testing::Test {
 protected:
  GuestTscTest() { clock.hold_at_deadlines(kSlack); }
  u64 counter() const {
    return 77'000 + static_cast<u64>(host) * 2 + static_cast<u64>(host) / 50'000;
  }
  // What the counter should be by the clock.
  void expect_together(const char* when) {
    EXPECT_NEAR(static_cast<double>(tsc.read().value), static_cast<double>(clock.now()) * 2.00002,
                60)
        << when;
  }

  MachineLock::Guard lock;
  i64 host = 123;
  Clock clock{ClockType::Virtual, [this] { return host; }};
  GuestTsc tsc{clock, [] { return kFrequency; }, [this] { return counter(); }};
};

TEST_F(GuestTscTest, BeginsWithTheClockAndFollowsIt) {
  host += 50 * kMillisecond;
  EXPECT_EQ(tsc.read().value, 0U);
  clock.start();
  host += 10 * kMillisecond;
  expect_together("after 10 ms");
}

TEST_F(GuestTscTest, AProcessorMayReadItByItselfForAWhile) {
  clock.start();
  host += kMillisecond;
  const GuestTsc::Reading reading = tsc.read();
  EXPECT_GT(reading.valid_until, counter());
  EXPECT_LE(reading.valid_until, counter() + 2 * kMillisecond);
  host += kMillisecond / 2;
  EXPECT_EQ(tsc.read().value, counter() + static_cast<u64>(reading.offset));
}

TEST_F(GuestTscTest, StandsStillWhileTheClockIsStopped) {
  clock.start();
  host += 10 * kMillisecond;
  clock.stop();
  const u64 stopped = tsc.read().value;
  EXPECT_EQ(tsc.read().valid_until, 0U);
  host += 3'600'000 * kMillisecond;
  EXPECT_EQ(tsc.read().value, stopped);
  clock.start();
  EXPECT_EQ(tsc.read().value, stopped);
  host += 10 * kMillisecond;
  expect_together("after an hour");
}

TEST_F(GuestTscTest, WhatProcessorsKnowIsTakenFromThemAtAStop) {
  X86State state;
  state.tsc_valid_until = 1;
  tsc.add_reader(state);
  clock.start();
  EXPECT_EQ(state.tsc_valid_until, 0U);
  state.tsc_valid_until = 1;
  clock.stop();
  EXPECT_EQ(state.tsc_valid_until, 0U);
  tsc.remove_reader(state);
}

TEST_F(GuestTscTest, IsHeldWithTheClockAndGoesOnWithIt) {
  clock.start();
  Timer timer(clock, [] {});
  timer.arm_at(20 * kMillisecond);
  host += 10 * kMillisecond;
  expect_together("before the deadline");
  host += 500 * kMillisecond;
  const GuestTsc::Reading held = tsc.read();
  EXPECT_EQ(clock.now(), 25 * kMillisecond);
  EXPECT_EQ(held.valid_until, 0U);
  expect_together("held");
  clock.run_timers();
  EXPECT_GE(tsc.read().value, held.value);
  expect_together("released");
  host += 40 * kMillisecond;
  expect_together("later");
}

TEST_F(GuestTscTest, MayNotBeReadPastALateTimer) {
  clock.start();
  Timer timer(clock, [] {});
  timer.arm_at(kMillisecond);
  host += 5 * kMillisecond + kMillisecond / 2;
  const GuestTsc::Reading reading = tsc.read();
  EXPECT_LE(reading.valid_until, counter() + static_cast<u64>(kMillisecond) + 100);
}

TEST_F(GuestTscTest, NeverGoesBack) {
  clock.start();
  u64 last = 0;
  Timer timer(clock, [] {});
  for (unsigned n = 1; n < 2000; ++n) {
    timer.arm_in(n * 7919 % 3'000'000);
    host += n * 104'729 % 9'000'000;
    const GuestTsc::Reading before = tsc.read();
    EXPECT_GE(before.value, last);
    last = before.value;
    if (n % 3 != 0) continue;
    clock.run_timers();
    const u64 after = tsc.read().value;
    EXPECT_GE(after, last);
    last = after;
  }
}

TEST(GuestTsc, IsTheTimeOfAClockThatHasASource) {
  const MachineLock::Guard lock;
  i64 time = 1500;
  Clock clock{ClockType::Virtual};
  clock.set_source([&] { return time; });
  GuestTsc tsc(
      clock, [] { return kFrequency; }, [] { return u64{0}; });
  EXPECT_EQ(tsc.read().value, 3000U);
  EXPECT_EQ(tsc.read().valid_until, 0U);
}

}  // namespace
}  // namespace backplane::x86
