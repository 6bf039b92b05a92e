// SPDX-License-Identifier: MIT
#include "mmu/number_set.h"

#include <gtest/gtest.h>

namespace backplane::tcg {
namespace {

using Small = NumberSet<64>;

TEST(NumberSet, HasWhatWasAddedAndNothingElse) {
  Small set;
  for (u64 n = 1; n < Small::kMost; ++n) {
    set.add(n * 0x1001);
    set.add(n * 0x1001);
  }
  for (u64 n = 1; n < Small::kMost; ++n) EXPECT_TRUE(set.has(n * 0x1001));
  for (u64 n = 0; n < 10000; ++n)
    EXPECT_EQ(set.has(n), n % 0x1001 == 0 && n / 0x1001 >= 1 && n / 0x1001 < Small::kMost);
}

TEST(NumberSet, HasEverythingOnceItIsFull) {
  Small set;
  for (u64 n = 0; n < 1000; ++n) set.add(n);
  EXPECT_TRUE(set.has(5000));
  set.clear();
  EXPECT_FALSE(set.has(5000));
  EXPECT_FALSE(set.has(5));
}

TEST(NumberSet, ForgetsAsOftenAsItIsTold) {
  Small set;
  for (unsigned turn = 0; turn < 200'000; ++turn) {
    set.add(turn % 7);
    EXPECT_TRUE(set.has(turn % 7));
    set.clear();
    ASSERT_FALSE(set.has(turn % 7));
  }
}

}  // namespace
}  // namespace backplane::tcg
