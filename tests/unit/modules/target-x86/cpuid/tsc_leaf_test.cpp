// SPDX-License-Identifier: MIT
#include "cpuid/tsc_leaf.h"

#include <gtest/gtest.h>

namespace backplane::x86 {
namespace {

constexpr u64 kGigahertz = 1'000'000'000;

// As Linux computes it, in 32 bits.
u64 kilohertz(const CpuidResult& r) { return r.ecx / 1000 * r.ebx / r.eax; }

TEST(TscLeaf, IsExactWhereTheRateIsAShortFractionOfTheCrystal) {
  const CpuidResult r = tsc_leaf(2'400'000'000, kGigahertz);
  EXPECT_EQ(r.eax, 5u);
  EXPECT_EQ(r.ebx, 12u);
  EXPECT_EQ(r.ecx, kGigahertz);
  EXPECT_EQ(kilohertz(tsc_leaf(800'000'000, kGigahertz)), 800'000u);
  EXPECT_EQ(kilohertz(tsc_leaf(kGigahertz, kGigahertz)), 1'000'000u);
}

TEST(TscLeaf, IsWithinTwoMillionthsOrEmpty) {
  unsigned told = 0, asked = 0;
  for (const u64 crystal : {u64{5'000'000}, u64{24'000'000}, u64{25'000'000}, kGigahertz}) {
    for (u64 rate = 700'000'011; rate < 6 * kGigahertz; rate += 999'983) {
      const CpuidResult r = tsc_leaf(rate, crystal);
      ++asked;
      if (r.eax == 0) continue;
      ++told;
      ASSERT_LT(u64{r.ecx} / 1000 * r.ebx, u64{1} << 32) << rate << ' ' << crystal;
      const double shown = static_cast<double>(r.ecx) * r.ebx / r.eax;
      ASSERT_NEAR(shown, static_cast<double>(rate), static_cast<double>(rate) * 2e-6) << crystal;
    }
  }
  EXPECT_GT(told, asked * 9 / 10);
}

TEST(TscLeaf, IsEmptyWhereItWouldBeRoughOrTheCrystalIsNotKnown) {
  EXPECT_EQ(tsc_leaf(2'000'178'000, kGigahertz).eax, 0u);
  EXPECT_EQ(tsc_leaf(2'400'000'000, 0).eax, 0u);
  EXPECT_EQ(tsc_leaf(2'400'000'000, 999).eax, 0u);
  EXPECT_EQ(tsc_leaf(~u64{0} >> 20, 1'000'000).eax, 0u) << "too fast";
}

}  // namespace
}  // namespace backplane::x86
