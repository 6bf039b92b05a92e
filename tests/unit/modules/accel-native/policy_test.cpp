// SPDX-License-Identifier: MIT
// When an address space is run natively.
#include "policy.h"

#include <gtest/gtest.h>

namespace backplane::native {
namespace {

constexpr u64 kSpace = 0x1000, kOther = 0x2000, kTickTime = 4'000'000;

class Ticks : public ::testing::Test {
 protected:
  // A tick later, and with so many more kernel entries.
  bool tick(u64 entries = 0, u64 space = kSpace) {
    now_ += kTickTime;
    entries_ += entries;
    return policy.note_interrupt(space, entries_, now_);
  }
  void promote() {
    for (unsigned n = 0; n < 10 && !tick(); ++n)
      ;
  }
  // A stay that cost more than it brought.
  bool bad_stay() { return policy.note_stay(kSpace, {.native = 10'000, .orders = 1, .pages = 16}); }

  Policy policy;
  u64 now_ = 1, entries_ = 0;
};

TEST_F(Ticks, PromoteASpaceThatComputes) {
  EXPECT_FALSE(tick());
  EXPECT_TRUE(tick());
  EXPECT_EQ(policy.promoted(), 1u);
}

TEST_F(Ticks, LeaveASpaceThatCallsItsKernelOften) {
  for (unsigned n = 0; n < 100; ++n) EXPECT_FALSE(tick(100));
}

TEST_F(Ticks, AreOfTheSpaceThatTheyComeTo) {
  EXPECT_FALSE(tick());
  EXPECT_FALSE(tick(0, kOther));
}

TEST_F(Ticks, EndTheRestOfASpaceThatLost) {
  promote();
  while (bad_stay())
    ;
  EXPECT_TRUE(tick());
}

TEST_F(Ticks, DemoteASpaceThatLosesAgainAndAgain) {
  promote();
  unsigned ticks = 0;
  do {
    while (bad_stay())
      ;
    ++ticks;
  } while (tick());
  EXPECT_EQ(policy.demoted(), 1u);
  EXPECT_EQ(ticks, Policy::kMostRests + 1);
  // And not at once again.
  EXPECT_FALSE(tick());
  EXPECT_FALSE(tick());
}

TEST_F(Ticks, KeepASpaceThatGains) {
  promote();
  for (unsigned n = 0; n < 1000; ++n) {
    EXPECT_TRUE(policy.note_stay(kSpace, {.native = 1'000'000, .orders = 0, .pages = 0}));
    EXPECT_TRUE(tick());
  }
}

// However the program behaves: what a tick lets it lose is what the tick pays in, and one stay.
TEST_F(Ticks, BoundTheLoss) {
  promote();
  while (bad_stay())
    ;
  tick();
  i64 lost = 0;
  do lost += Policy::kHandOver + Policy::kOrders + 16 * Policy::kPage;
  while (bad_stay());
  EXPECT_LE(lost, Policy::kTick + 2 * (Policy::kHandOver + Policy::kOrders + 16 * Policy::kPage));
}

}  // namespace
}  // namespace backplane::native
