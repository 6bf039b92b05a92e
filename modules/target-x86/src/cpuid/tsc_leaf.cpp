// SPDX-License-Identifier: MIT
#include "tsc_leaf.h"

#include <limits>

namespace backplane::x86 {

namespace {

struct Fraction {
  u64 numerator, denominator;

  // How far `value / unit` is from it, in as many millionths of itself.
  u64 millionths_off(u64 value, u64 unit) const {
    __extension__ using Wide = unsigned __int128;
    const Wide mine = Wide{numerator} * unit, wanted = Wide{denominator} * value;
    const Wide off = mine > wanted ? mine - wanted : wanted - mine;
    return static_cast<u64>(off * 1'000'000 / wanted);
  }
};

// Of `value / unit`, by its continued fraction, as close as a numerator of at most `most` allows.
Fraction approximate(u64 value, u64 unit, u64 most) {
  Fraction before{0, 1}, best{1, 0};
  while (unit != 0) {
    const u64 term = value / unit;
    if (best.numerator != 0 && term > (most - before.numerator) / best.numerator) break;
    const Fraction next{term * best.numerator + before.numerator,
                        term * best.denominator + before.denominator};
    before = best;
    best = next;
    const u64 rest = value % unit;
    value = unit;
    unit = rest;
  }
  return best;
}

}  // namespace

CpuidResult tsc_leaf(u64 frequency, u64 crystal) {
  constexpr u64 kTolerance = 2;
  constexpr u64 kSlowest = 1'000'000;
  if (crystal < kSlowest) return {};
  const u64 most = std::numeric_limits<u32>::max() / (crystal / 1000);
  const Fraction rate = approximate(frequency, crystal, most);
  if (rate.numerator == 0 || rate.denominator == 0 ||
      rate.millionths_off(frequency, crystal) >= kTolerance)
    return {};
  return {.eax = static_cast<u32>(rate.denominator),
          .ebx = static_cast<u32>(rate.numerator),
          .ecx = static_cast<u32>(crystal),
          .edx = 0};
}

}  // namespace backplane::x86
