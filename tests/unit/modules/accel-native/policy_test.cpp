// SPDX-License-Identifier: MIT
// When an address space is run natively.
#include "policy.h"

#include <gtest/gtest.h>

namespace backplane::native {
namespace {

constexpr u64 kSpace = 0x1000, kOther = 0x2000, kTickTime = 4'000'000;
constexpr u64 kThread = 0x7f1234567000, kHandOver = 12'000, kMapper = 5'000;

class Ticks : public ::testing::Test {
 protected:
  // A tick later, and with so many more kernel entries, translated.
  bool tick(u64 entries = 0, u64 space = kSpace) {
    time_ += kTickTime;
    return note(entries, {.cr3 = space, .thread_pointer = kThread});
  }
  bool banned_tick() {
    time_ += kTickTime;
    return note(0, {.cr3 = kSpace, .thread_pointer = kThread, .banned = true});
  }
  // Of a program that has its code where the one of that space has.
  bool tick_in_code(u64 entries, u64 space) {
    time_ += kTickTime;
    return note(entries, {.cr3 = space, .thread_pointer = kThread, .code = 0x5000});
  }
  bool note(u64 entries, Policy::Tick tick) {
    tick.time = time_;
    tick.kernel_entries = entries_ += entries;
    return policy.note_tick(tick);
  }
  void promote() {
    for (unsigned n = 0; n < 10 && !tick(); ++n)
      ;
  }
  // Ticks until it is run natively again.
  unsigned rest(u64 entries = 2) {
    unsigned ticks = 1;
    while (!tick(entries) && ticks < 1000) ++ticks;
    return ticks;
  }
  // For so long, until the kernel is entered, which takes `kernel`.
  bool stay(u64 native, u64 kernel = 0) {
    const u64 began = time_ += kernel;
    time_ += kHandOver;
    spent_ += kHandOver + kMapper;
    ++entries_;
    return policy.note_stay(kSpace, {.native = native + Policy::kSignal,
                                     .entries = 1,
                                     .mapper = kMapper,
                                     .began = began,
                                     .ended = time_,
                                     .left_kernel = true});
  }
  bool leave_page() {
    time_ += kHandOver;
    return policy.note_stay(kSpace, {.native = 10'000,
                                     .entries = 1,
                                     .began = time_ - kHandOver,
                                     .ended = time_,
                                     .left_page = true});
  }
  // Stays that are longer than they cost, and not by enough.
  void lose() {
    for (unsigned n = 0; n < 10'000 && stay(60'000); ++n)
      ;
  }

  Policy policy;
  u64 time_ = 1, entries_ = 0, spent_ = 0;
};

TEST_F(Ticks, PromoteASpaceThatComputes) {
  EXPECT_TRUE(tick());
  EXPECT_EQ(policy.promoted(), 1u);
}

TEST_F(Ticks, LeaveASpaceThatCallsItsKernelOften) {
  for (unsigned n = 0; n < 100; ++n) EXPECT_FALSE(tick(100));
}

TEST_F(Ticks, LeaveASpaceWhoseCodeHasToBeTranslated) {
  for (unsigned n = 0; n < 100; ++n) EXPECT_FALSE(banned_tick());
}

TEST_F(Ticks, PromoteLaterWhereSomeCodeHasToBeTranslated) {
  for (unsigned n = 0; n < 3; ++n) banned_tick();
  for (unsigned n = 0; n < 3; ++n) EXPECT_FALSE(tick());
  EXPECT_TRUE(tick());
}

TEST_F(Ticks, StakeLessWhereSomeCodeHasToBeTranslated) {
  const auto stays = [this](bool doubted) {
    policy = {};
    time_ = entries_ = 0;
    promote();
    if (doubted) policy.doubt(kSpace);
    unsigned count = 1;
    while (stay(60'000)) ++count;
    return count;
  };
  EXPECT_LT(stays(true), stays(false));
}

TEST_F(Ticks, AreOfTheSpaceThatTheyComeTo) {
  promote();
  EXPECT_TRUE(policy.is_native(kSpace));
  EXPECT_FALSE(policy.is_native(kOther));
}

TEST_F(Ticks, BeginAnewWhereAnotherProgramIs) {
  promote();
  EXPECT_TRUE(policy.is_native(kSpace));
  time_ += kTickTime;
  EXPECT_FALSE(note(100, {.cr3 = kSpace, .thread_pointer = kThread - (u64{1} << 38)}));
  EXPECT_FALSE(policy.is_native(kSpace));
}

TEST_F(Ticks, GoOnInOtherThreads) {
  promote();
  time_ += kTickTime;
  EXPECT_TRUE(note(0, {.cr3 = kSpace, .thread_pointer = kThread - (u64{8} << 20)}));
}

TEST_F(Ticks, EndTheRestOfASpaceThatLost) {
  promote();
  lose();
  EXPECT_FALSE(policy.is_native(kSpace));
  EXPECT_TRUE(tick(4));
}

TEST_F(Ticks, LetASpaceThatLosesRestForLonger) {
  promote();
  unsigned before = 0;
  for (unsigned n = 0; n < 6; ++n) {
    lose();
    const unsigned ticks = rest();
    EXPECT_GT(ticks, before);
    before = ticks;
  }
  EXPECT_EQ(before, 32u);
}

TEST_F(Ticks, EndALongRestWhenTheKernelIsLeftAlone) {
  promote();
  for (unsigned n = 0; n < 6; ++n) {
    lose();
    rest();
  }
  lose();
  EXPECT_LE(rest(0), 64 / Policy::kTicksOfChange);
}

TEST_F(Ticks, DoNotCountWhileTheKernelIsEnteredOften) {
  promote();
  lose();
  for (unsigned n = 0; n < 100; ++n) EXPECT_FALSE(tick(100));
  EXPECT_TRUE(tick(4));
}

TEST_F(Ticks, KeepASpaceThatGains) {
  promote();
  for (unsigned n = 0; n < 1000; ++n) {
    EXPECT_TRUE(stay(kTickTime));
    EXPECT_TRUE(tick());
  }
}

// What a program gains is seen by how soon it enters its kernel again.
TEST_F(Ticks, KeepASpaceThatIsFasterThoughItsStaysAreShort) {
  for (unsigned n = 0; n < 10; ++n) tick(12);
  promote();
  unsigned stays = 0, ticks = 0;
  for (; stays < 10'000 && ticks < 1000; ++stays)
    while (!stay(120'000, 10'000) && ++ticks < 1000) tick(12);
  EXPECT_LT(ticks, 10u);
}

// One look may be at something else that the program does, so it takes some.
TEST_F(Ticks, LeaveASpaceThatIsSlower) {
  unsigned stays = 0, native_ticks = 0;
  for (unsigned n = 0; n < 100; ++n) {
    if (!tick(12)) continue;
    ++native_ticks;
    for (unsigned more = 0; more < 20 && stay(300'000, 10'000); ++more) ++stays;
  }
  EXPECT_LT(stays, 300u);
  EXPECT_LT(native_ticks, 20u);
}

TEST_F(Ticks, TryAProgramSoonerWhoseCodeGained) {
  ASSERT_FALSE(tick_in_code(45, kOther)) << "as long as nothing is known";
  tick_in_code(12, kSpace);
  while (policy.is_native(kSpace) && stay(60'000, 10'000) && spent_ < 10'000'000)
    ;
  tick_in_code(12, kSpace);
  EXPECT_FALSE(tick(45, kOther)) << "elsewhere";
  EXPECT_TRUE(tick_in_code(45, kOther));
}

TEST_F(Ticks, DoNotEndASpaceForWhatItCostsToBegin) {
  promote();
  const u64 began = time_;
  time_ += 1'500'000;
  EXPECT_TRUE(
      policy.note_stay(kSpace, {.native = 10'000, .entries = 1, .began = began, .ended = time_}));
}

TEST_F(Ticks, EndABurstOfShortStays) {
  promote();
  unsigned stays = 1;
  while (stay(5'000) && stays < 100) ++stays;
  EXPECT_GT(stays, 4u);
  EXPECT_LT(stays, 30u);
  EXPECT_TRUE(tick(4));
}

TEST_F(Ticks, LetASpaceRestForLongerWhereItsCodeHasToBeTranslated) {
  promote();
  unsigned first = 0, last = 0;
  for (unsigned n = 0; n < 20; ++n) {
    while (leave_page()) tick();
    // However long the stretches are.
    last = rest(0);
    if (n == 0) first = last;
  }
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(last, Policy::kLongestRest);
}

// What a program gained once it may gain no more.
TEST_F(Ticks, LookAgainAtWhatASpaceGains) {
  tick(12);
  for (unsigned n = 0; n < 16; ++n) ASSERT_TRUE(stay(60'000, 10'000));
  spent_ = 0;
  for (unsigned n = 0; n < 2000; ++n)
    if (!policy.is_native(kSpace) || !stay(60'000, 10'000)) tick(kTickTime / 70'000);
  EXPECT_FALSE(policy.is_native(kSpace));
  EXPECT_LT(spent_, 2 * static_cast<u64>(Policy::kLook));
}

TEST_F(Ticks, BoundTheLoss) {
  promote();
  spent_ = 0;
  constexpr unsigned kTicks = 250;
  for (unsigned n = 0; n < kTicks; ++n) {
    if (policy.is_native(kSpace)) lose();
    tick(2);
  }
  // The parts that are not measured but assumed are as much again.
  EXPECT_LT(2 * spent_, kTicks * kTickTime / 50);
}

}  // namespace
}  // namespace backplane::native
