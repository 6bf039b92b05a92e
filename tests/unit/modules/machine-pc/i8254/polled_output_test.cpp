// SPDX-License-Identifier: MIT
#include "i8254/polled_output.h"

#include <gtest/gtest.h>

namespace backplane::pc {
namespace {

constexpr i64 kMillisecond = 1'000'000, kStart = 5'000 * kMillisecond;
constexpr i64 kRead = 1'000;  // what a read takes

// Reads for `length`, and after each rests as told. Returns the time that it rested.
i64 poll(PolledOutput& polled, i64 start, i64 length, i64 rises, i64 apart = kRead) {
  i64 rested = 0;
  for (i64 now = start; now < start + length && now < rises; now += apart) {
    const i64 rest = polled.read_low(now, rises);
    EXPECT_LE(rest, PolledOutput::kLongest);
    EXPECT_LE(now + rest, rises - PolledOutput::kEarly * (rest > 0 ? 1 : 0));
    rested += rest;
    now += rest;
  }
  return rested;
}

TEST(PolledOutput, RestsForMostOfALongWait) {
  PolledOutput polled;
  EXPECT_GT(poll(polled, kStart, 55 * kMillisecond, kStart + 55 * kMillisecond), 40 * kMillisecond);
}

TEST(PolledOutput, IsWatchedAllTheTimeInAShortWait) {
  PolledOutput polled;
  EXPECT_EQ(poll(polled, kStart, 10 * kMillisecond, kStart + 10 * kMillisecond), 0);
  // Nor in the second of two, between which something else was done.
  EXPECT_EQ(poll(polled, kStart + 20 * kMillisecond, 10 * kMillisecond, kStart + 30 * kMillisecond),
            0);
}

TEST(PolledOutput, IsWatchedBeforeItRises) {
  PolledOutput polled;
  const i64 rises = kStart + 30 * kMillisecond;
  poll(polled, kStart, 29 * kMillisecond, rises);
  EXPECT_EQ(poll(polled, rises - PolledOutput::kEarly, PolledOutput::kEarly, rises), 0);
}

TEST(PolledOutput, DoesNotHoldUpAGuestThatLooksNowAndThen) {
  PolledOutput polled;
  EXPECT_EQ(poll(polled, kStart, 50 * kMillisecond, kStart + 55 * kMillisecond, kMillisecond), 0);
}

TEST(PolledOutput, GoesOnRestingIfTheCpuComesBackLate) {
  PolledOutput polled;
  const i64 rises = kStart + 55 * kMillisecond;
  poll(polled, kStart, 20 * kMillisecond, rises);
  EXPECT_GT(polled.read_low(kStart + 21 * kMillisecond, rises), 0);
}

}  // namespace
}  // namespace backplane::pc
