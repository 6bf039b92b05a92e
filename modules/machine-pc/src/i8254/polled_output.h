// SPDX-License-Identifier: MIT
// A guest that waits for an output of the timer by reading it again and again, as boot loaders do
// to measure the time-stamp counter: for as long as the host's processor has something better to
// do, the guest's may rest.
#pragma once

#include "backplane/types.h"

namespace backplane::pc {

class PolledOutput {
 public:
  struct Wait {
    i64 begins = 0, ends = 0;  // nanoseconds
  };
  // Waits that are shorter are left alone: kernels measure by how many reads there are, and how far
  // apart; Linux for 10 ms, and for 50 if that went wrong. Boot loaders wait for 55, the longest
  // count.
  static constexpr i64 kShortestWait = 52'000'000;
  // So is the beginning of a longer one.
  static constexpr i64 kPatience = 12'000'000;
  // Reads on the way there, without which the guest does more than wait, and how far apart they may
  // be: a busy host lets a CPU stand still for a while.
  static constexpr unsigned kReads = 2'000;
  static constexpr i64 kFarthest = 2'000'000;
  // The guest sees the output rise when it does: it is back by then, on most hosts.
  static constexpr i64 kEarly = 500'000;
  // Interrupts wait so long.
  static constexpr i64 kLongest = 200'000, kShortest = 50'000;

  // The guest has read at `now` that the output is low, which it is until the wait ends. Returns
  // for how long its CPU may rest.
  i64 read_low(i64 now, Wait wait);

 private:
  i64 ends_ = 0, since_ = 0, last_ = -kFarthest - 1;
  unsigned reads_ = 0;
};

}  // namespace backplane::pc
