// SPDX-License-Identifier: MIT
#include "backplane/clock.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace backplane {
namespace {

// A virtual clock that shows what the test says.
class ClockTest : public testing::Test {
 protected:
  ClockTest() {
    clock.set_source([this] { return time; });
  }
  Timer& timer(char name) {
    timers.push_back(std::make_unique<Timer>(clock, [this, name] { log += name; }));
    return *timers.back();
  }

  Clock clock{ClockType::Virtual};
  i64 time = 0;
  std::string log;
  std::vector<std::unique_ptr<Timer>> timers;
};

TEST_F(ClockTest, FiresWhatIsDueInOrder) {
  timer('c').arm_at(30);
  timer('a').arm_at(10);
  timer('b').arm_at(20);
  time = 20;
  EXPECT_EQ(clock.run_timers(), 2U);
  EXPECT_EQ(log, "ab");
  EXPECT_EQ(clock.next_deadline(), 30);
}

// Throws when its time comes.
struct Careless {
  Careless(Clock& clock) : timer(clock, [] { throw std::runtime_error("did not look"); }) {}
  Timer timer;
};

TEST_F(ClockTest, ATimerThatThrowsEndsTheProgramWithALine) {
  Careless careless(clock);
  careless.timer.arm_at(10);
  time = 10;
  EXPECT_DEATH_IF_SUPPORTED(clock.run_timers(),
                            "sdk-time-tests.*: a timer of .*Careless.* threw: did not look");
}

TEST_F(ClockTest, EqualDeadlinesFireInTheOrderArmed) {
  Timer& a = timer('a');
  Timer& b = timer('b');
  Timer& c = timer('c');
  b.arm_at(10);
  c.arm_at(10);
  a.arm_at(10);
  time = 10;
  clock.run_timers();
  EXPECT_EQ(log, "bca");
}

TEST_F(ClockTest, FiresOnce) {
  Timer& a = timer('a');
  a.arm_at(10);
  EXPECT_TRUE(a.armed());
  time = 10;
  EXPECT_EQ(clock.run_timers(), 1U);
  EXPECT_FALSE(a.armed());
  EXPECT_EQ(clock.run_timers(), 0U);
  EXPECT_EQ(clock.next_deadline(), -1);
}

TEST_F(ClockTest, RearmingReplacesTheDeadline) {
  Timer& a = timer('a');
  a.arm_at(10);
  a.arm_at(50);
  time = 20;
  EXPECT_EQ(clock.run_timers(), 0U);
  time = 50;
  EXPECT_EQ(clock.run_timers(), 1U);
}

TEST_F(ClockTest, CancelledTimerDoesNotFire) {
  Timer& a = timer('a');
  a.arm_at(10);
  a.cancel();
  time = 10;
  EXPECT_EQ(clock.run_timers(), 0U);
}

TEST_F(ClockTest, DestroyedTimerDoesNotFire) {
  timer('a').arm_at(10);
  timers.clear();
  time = 10;
  EXPECT_EQ(clock.run_timers(), 0U);
}

TEST_F(ClockTest, CallbackMayCancelAnotherThatIsDue) {
  Timer& victim = timer('v');
  Timer killer(clock, [&] { victim.cancel(); });
  killer.arm_at(5);
  victim.arm_at(10);
  time = 10;
  EXPECT_EQ(clock.run_timers(), 1U);
  EXPECT_EQ(log, "");
}

TEST_F(ClockTest, TimerThatRearmsItselfInThePastWaitsForTheNextCall) {
  unsigned fired = 0;
  Timer* self = nullptr;
  Timer again(clock, [&] {
    ++fired;
    self->arm_at(0);
  });
  self = &again;
  again.arm_at(1);
  timer('z').arm_at(2);
  time = 10;
  EXPECT_EQ(clock.run_timers(), 2U);
  EXPECT_EQ(fired, 1U);
  EXPECT_EQ(log, "z");
  EXPECT_EQ(clock.next_deadline(), 0);
  EXPECT_EQ(clock.run_timers(), 1U);
}

TEST_F(ClockTest, HookIsCalledWhenTheEarliestDeadlineMovesForward) {
  unsigned calls = 0;
  clock.set_rearmed_hook([&] { ++calls; });
  Timer& a = timer('a');
  Timer& b = timer('b');
  a.arm_at(100);
  EXPECT_EQ(calls, 1U);
  b.arm_at(200);
  EXPECT_EQ(calls, 1U);
  b.arm_at(50);
  EXPECT_EQ(calls, 2U);
  b.arm_at(70);
  EXPECT_EQ(calls, 2U);
}

TEST_F(ClockTest, ExtremeDeadlinesAreClamped) {
  time = 1000;
  Timer& a = timer('a');
  a.arm_in(std::numeric_limits<i64>::max());
  EXPECT_EQ(a.deadline(), std::numeric_limits<i64>::max());
  a.arm_in(std::numeric_limits<i64>::min());
  EXPECT_EQ(a.deadline(), 0);
  EXPECT_TRUE(a.armed());
}

TEST(VirtualClock, StartsStoppedAtZero) {
  const Clock clock(ClockType::Virtual);
  EXPECT_FALSE(clock.running());
  EXPECT_EQ(clock.now(), 0);
}

TEST(VirtualClock, StandsStillWhileStopped) {
  Clock clock(ClockType::Virtual);
  clock.start();
  EXPECT_TRUE(clock.running());
  while (clock.now() == 0) {
  }
  clock.stop();
  const i64 stopped = clock.now();
  EXPECT_GT(stopped, 0);
  EXPECT_EQ(clock.now(), stopped);
  clock.start();
  EXPECT_GE(clock.now(), stopped);
  EXPECT_LT(clock.now(), stopped + 10'000'000'000);
}

TEST(VirtualClock, StartingTwiceChangesNothing) {
  Clock clock(ClockType::Virtual);
  clock.start();
  const i64 before = clock.now();
  clock.start();
  EXPECT_GE(clock.now(), before);
  clock.stop();
  clock.stop();
  EXPECT_GE(clock.now(), before);
}

TEST(HostClock, CountsFromTheEpoch) {
  const Clock clock(ClockType::Host);
  EXPECT_GT(clock.now(), 1'600'000'000'000'000'000);
}

TEST(RealtimeClock, NeverGoesBack) {
  const Clock clock(ClockType::Realtime);
  const i64 before = clock.now();
  EXPECT_GE(clock.now(), before);
}

}  // namespace
}  // namespace backplane
