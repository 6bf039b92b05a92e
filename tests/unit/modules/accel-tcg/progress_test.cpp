// SPDX-License-Identifier: MIT
#include "progress.h"

#include <gtest/gtest.h>

namespace backplane::tcg {
namespace {

// Counts as a TcgVcpu does: odd while it is in translated code.
struct FakeVcpu {
  u64 crossings = 0;
  u64 ask_to_leave() const { return crossings; }
  bool left_since(u64 asked) const { return (asked & 1) == 0 || crossings != asked; }
  bool in_translated_code() const { return (crossings & 1) != 0; }
  void leave_and_enter() { crossings += 2; }
};

class Progress : public testing::Test {
 protected:
  static constexpr i64 kTick = 8'000'000;
  bool may_fire_after(i64 nanoseconds) { return progress.may_fire(now += nanoseconds); }

  FakeVcpu first{1}, second{0};
  std::vector<FakeVcpu*> vcpus{&first, &second};
  GuestProgress<FakeVcpu> progress{vcpus};
  i64 now = 1'000'000'000'000;
};

TEST_F(Progress, TimersFireWhileTheGuestRuns) {
  for (unsigned n = 0; n < 5; ++n) {
    EXPECT_TRUE(may_fire_after(kTick));
    first.leave_and_enter();
  }
}

TEST_F(Progress, TimersWaitForAGuestThatTheHostDoesNotLetRun) {
  EXPECT_TRUE(may_fire_after(kTick));
  EXPECT_FALSE(may_fire_after(kTick));
  EXPECT_FALSE(may_fire_after(kTick));
  first.leave_and_enter();
  EXPECT_TRUE(may_fire_after(kTick));
}

TEST_F(Progress, TimersFireWhileTheGuestIsIdle) {
  first.crossings = 2;
  for (unsigned n = 0; n < 5; ++n) EXPECT_TRUE(may_fire_after(kTick));
}

TEST_F(Progress, TimersFireWhileOneVcpuRuns) {
  second.crossings = 1;
  EXPECT_TRUE(may_fire_after(kTick));
  second.leave_and_enter();
  EXPECT_TRUE(may_fire_after(kTick));
}

TEST_F(Progress, AVcpuThatWasJustAskedIsNotYetExpectedOutside) {
  EXPECT_TRUE(may_fire_after(kTick));
  EXPECT_TRUE(may_fire_after(100'000));
}

TEST_F(Progress, TimersDoNotWaitForEver) {
  EXPECT_TRUE(may_fire_after(kTick));
  EXPECT_FALSE(may_fire_after(kTick));
  EXPECT_TRUE(may_fire_after(1'000'000'000));
}

}  // namespace
}  // namespace backplane::tcg
