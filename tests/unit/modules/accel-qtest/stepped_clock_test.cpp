// SPDX-License-Identifier: MIT
#include "stepped_clock.h"

#include <gtest/gtest.h>

#include <vector>

#include "backplane/machine_lock.h"

namespace backplane::qtest {
namespace {

class SteppedClockTest : public ::testing::Test {
 protected:
  MachineLock::Guard lock_;
  Clock clock_{ClockType::Virtual};
  SteppedClock stepped_{clock_};
};

TEST_F(SteppedClockTest, GoesOnByWhatItIsToldAlone) {
  EXPECT_EQ(clock_.now(), 0);
  stepped_.advance_to(500);
  EXPECT_EQ(clock_.now(), 500);
  stepped_.advance_to(400);
  EXPECT_EQ(clock_.now(), 500);
  stepped_.advance_to_deadline();
  EXPECT_EQ(clock_.now(), 500);
}

TEST_F(SteppedClockTest, FiresTimersAtTheirDeadlinesInOrder) {
  std::vector<i64> fired;
  Timer late(clock_, [&] { fired.push_back(clock_.now()); });
  Timer periodic(clock_, [&] {
    fired.push_back(clock_.now());
    if (clock_.now() < 300) periodic.arm_in(100);
  });
  late.arm_at(250);
  periodic.arm_at(100);
  stepped_.advance_to(240);
  EXPECT_EQ(fired, (std::vector<i64>{100, 200}));
  stepped_.advance_to_deadline();
  EXPECT_EQ(clock_.now(), 250);
  stepped_.advance_to(1000);
  EXPECT_EQ(fired, (std::vector<i64>{100, 200, 250, 300}));
  EXPECT_EQ(clock_.now(), 1000);
}

TEST_F(SteppedClockTest, IsNotStoppedByATimerThatIsArmedForNowAgainAndAgain) {
  unsigned fired = 0;
  Timer timer(clock_, [&] {
    ++fired;
    timer.arm_in(0);
  });
  timer.arm_at(10);
  stepped_.advance_to(20);
  EXPECT_EQ(clock_.now(), 20);
  EXPECT_GE(fired, 10u);
}

}  // namespace
}  // namespace backplane::qtest
