// SPDX-License-Identifier: MIT
// A virtual clock on a host that is late.
#include <gtest/gtest.h>

#include <vector>

#include "backplane/clock.h"

namespace backplane {
namespace {

class HeldClock : public testing::Test {
 protected:
  static constexpr i64 kSlack = 5;
  HeldClock() {
    clock.set_pause_hook([this](i64 stood_still) { pauses.push_back(stood_still); });
    clock.hold_at_deadlines(kSlack);
    clock.start();
    pauses.clear();
  }

  i64 host = 1000;
  Clock clock{ClockType::Virtual, [this] { return host; }};
  std::vector<i64> pauses;
};

TEST_F(HeldClock, FollowsTheHostWhileNothingIsDue) {
  host += 1'000'000;
  EXPECT_EQ(clock.now(), 1'000'000);
  EXPECT_TRUE(pauses.empty());
}

TEST_F(HeldClock, WaitsForALateTimerAndLosesTheRest) {
  i64 fired_at = -1;
  Timer timer(clock, [&] { fired_at = clock.now(); });
  timer.arm_at(100);
  host += 500;
  EXPECT_EQ(clock.now(), 105);
  EXPECT_EQ(clock.room_at(host), -395);
  clock.run_timers();
  EXPECT_EQ(fired_at, 105);
  EXPECT_EQ(pauses, std::vector<i64>{395});
  host += 10;
  EXPECT_EQ(clock.now(), 115);
}

TEST_F(HeldClock, LosesNothingToATimerThatIsALittleLate) {
  Timer timer(clock, [] {});
  timer.arm_at(100);
  host += 104;
  clock.run_timers();
  EXPECT_TRUE(pauses.empty());
  host += 96;
  EXPECT_EQ(clock.now(), 200);
}

TEST_F(HeldClock, APeriodicTimerSeesEachOfItsPeriodsAfterALongGap) {
  std::vector<i64> ticks;
  Timer timer(clock, [&] {
    ticks.push_back(clock.now());
    timer.arm_at(timer.deadline() < 0 ? static_cast<i64>(ticks.size() + 1) * 100 : 0);
  });
  timer.arm_at(100);
  host += 1'000'000;
  for (unsigned n = 0; n < 300; ++n) {
    clock.run_timers();
    ++host;
  }
  ASSERT_GE(ticks.size(), 3U);
  EXPECT_EQ(ticks[0], 105);
  EXPECT_EQ(ticks[1], 200);
  EXPECT_EQ(ticks[2], 300);
}

TEST_F(HeldClock, ATimerThatIsTakenBackHoldsNothing) {
  Timer timer(clock, [] {});
  timer.arm_at(100);
  host += 500;
  timer.cancel();
  EXPECT_EQ(clock.now(), 105);
  host += 500;
  EXPECT_EQ(clock.now(), 605);
}

TEST_F(HeldClock, ATimerForATimeThatIsOverHoldsFromNowOn) {
  host += 500;
  Timer timer(clock, [] {});
  timer.arm_at(100);
  EXPECT_EQ(clock.now(), 500);
  host += 500;
  EXPECT_EQ(clock.now(), 505);
}

TEST_F(HeldClock, AStopThatComesLateStopsWhereItWasHeld) {
  Timer timer(clock, [] {});
  timer.arm_at(100);
  host += 500;
  clock.stop();
  EXPECT_EQ(clock.now(), 105);
  EXPECT_EQ(pauses, (std::vector<i64>{395, 0}));
  host += 7000;
  EXPECT_EQ(clock.now(), 105);
  clock.start();
  EXPECT_EQ(pauses.back(), 7000);
  EXPECT_EQ(clock.now(), 105);
}

TEST_F(HeldClock, ASourceIsNeverHeld) {
  Clock counted{ClockType::Virtual};
  i64 time = 0;
  counted.set_source([&] { return time; });
  counted.hold_at_deadlines(kSlack);
  Timer timer(counted, [] {});
  timer.arm_at(100);
  time = 500;
  EXPECT_EQ(counted.now(), 500);
  EXPECT_FALSE(counted.follows_host());
}

}  // namespace
}  // namespace backplane
