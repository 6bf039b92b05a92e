// SPDX-License-Identifier: MIT
#include "i8254/polled_output.h"

#include <gtest/gtest.h>

namespace backplane::pc {
namespace {

using Wait = PolledOutput::Wait;

constexpr i64 kMillisecond = 1'000'000, kStart = 5'000 * kMillisecond;
constexpr i64 kLong = 55 * kMillisecond;
constexpr i64 kRead = 1'000;  // what a read takes

// Reads from one time of the wait to another, and after each rests as told. Returns the time that
// it rested.
i64 poll(PolledOutput& polled, Wait wait, i64 from, i64 to, i64 apart = kRead) {
  i64 rested = 0;
  for (i64 now = wait.begins + from; now < wait.begins + to; now += apart) {
    const i64 rest = polled.read_low(now, wait);
    EXPECT_LE(rest, PolledOutput::kLongest);
    EXPECT_LE(now + rest, wait.ends - PolledOutput::kEarly * (rest > 0 ? 1 : 0));
    rested += rest;
    now += rest;
  }
  return rested;
}

constexpr Wait wait_at(i64 start, i64 length = kLong) {
  return {.begins = start, .ends = start + length};
}

TEST(PolledOutput, RestsForMostOfALongWait) {
  PolledOutput polled;
  EXPECT_GT(poll(polled, wait_at(kStart), 0, kLong), 40 * kMillisecond);
}

// By which kernels measure.
TEST(PolledOutput, IsWatchedAllTheTimeInShortWaitsOneAfterAnother) {
  for (const i64 length : {10 * kMillisecond, 50 * kMillisecond}) {
    PolledOutput polled;
    i64 start = kStart;
    for (unsigned n = 0; n < 4; ++n, start += length + 50'000)
      EXPECT_EQ(poll(polled, wait_at(start, length), 0, length), 0) << length << ' ' << n;
  }
}

TEST(PolledOutput, IsWatchedAtTheBeginningOfEachWait) {
  PolledOutput polled;
  i64 start = kStart;
  for (unsigned n = 0; n < 3; ++n, start += kLong + 50'000) {
    EXPECT_EQ(poll(polled, wait_at(start), 0, PolledOutput::kPatience), 0) << n;
    EXPECT_GT(poll(polled, wait_at(start), PolledOutput::kPatience, kLong), 0) << n;
  }
}

TEST(PolledOutput, IsWatchedBeforeItRises) {
  PolledOutput polled;
  poll(polled, wait_at(kStart), 0, kLong - kMillisecond);
  EXPECT_EQ(poll(polled, wait_at(kStart), kLong - PolledOutput::kEarly, kLong), 0);
}

TEST(PolledOutput, DoesNotHoldUpAGuestThatLooksNowAndThen) {
  PolledOutput polled;
  EXPECT_EQ(poll(polled, wait_at(kStart), 0, 50 * kMillisecond, kMillisecond), 0);
}

TEST(PolledOutput, GoesOnRestingIfTheCpuComesBackLate) {
  PolledOutput polled;
  poll(polled, wait_at(kStart), 0, 20 * kMillisecond);
  EXPECT_GT(polled.read_low(kStart + 21 * kMillisecond, wait_at(kStart)), 0);
}

}  // namespace
}  // namespace backplane::pc
