// SPDX-License-Identifier: MIT
// Conversion between nanoseconds and the ticks of an oscillator, exact to the tick.
#pragma once

#include <algorithm>

#include "backplane/types.h"

namespace backplane::pc {

constexpr u64 kNanosecondsPerSecond = 1'000'000'000;

// What becomes of periodic interrupts that the guest could not take in time.
enum class LostTickPolicy {
  Delay,  // delivered late, one by one, faster than the period: a guest that counts keeps its time
  Discard,  // not delivered
};

// Whole ticks of `hertz` in `nanoseconds`; none for a negative time.
constexpr u64 ticks_in(i64 nanoseconds, u64 hertz) {
  if (nanoseconds <= 0) return 0;
  return static_cast<u64>(static_cast<unsigned __int128>(nanoseconds) * hertz /
                          kNanosecondsPerSecond);
}

// The first nanosecond at which `ticks` ticks have passed; saturates far in the future.
constexpr i64 nanoseconds_for(u64 ticks, u64 hertz) {
  constexpr i64 kNever = i64{1} << 62;
  const unsigned __int128 n =
      (static_cast<unsigned __int128>(ticks) * kNanosecondsPerSecond + hertz - 1) / hertz;
  return n > static_cast<unsigned __int128>(kNever) ? kNever : static_cast<i64>(n);
}

// No timer of a chip interrupts more often than this, whatever the guest programs: a host thread
// must get on with other work in between.
constexpr i64 kMinimumTimerInterval = 20'000;  // nanoseconds

// A periodic interrupt that a busy host could not deliver in time, or that the guest's CPU was not
// running to take before the next one, is not lost: what is due is delivered one by one, each when
// the one before was taken, faster than the period, so that a guest that counts ticks keeps its
// time. What is overdue by more than this is given up. (Under instruction counting nothing is
// late.)
constexpr i64 kMostOverdue = 250'000'000;  // nanoseconds

// When to deliver what is due at `due`: then, or soon if that is over.
constexpr i64 delivery_time(i64 due, i64 period, i64 now) {
  const i64 soon = now + std::max(kMinimumTimerInterval, period / 8);
  return due > now ? std::max(due, now + kMinimumTimerInterval) : soon;
}

}  // namespace backplane::pc
