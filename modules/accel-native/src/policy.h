// SPDX-License-Identifier: MIT
// Which address spaces are worth it, and when: a hand-over costs as much as thousands of
// instructions.
//
// A space whose programs compute, with long stretches between entries of the kernel, is promoted.
// From then on it has an account, in time: what native code saves is paid in, what hand-overs and
// mappings cost is taken out, and each timer tick pays in a little. While nothing is left the space
// rests, translated, until the next tick; one that rests for many ticks is demoted, and has to wait
// longer each time until it is promoted again. So what a program can lose is bounded by what ticks
// pay in.
#pragma once

#include <unordered_map>

#include "backplane/types.h"

namespace backplane::native {

// Times in nanoseconds of one clock; address spaces by their CR3. One vCPU's.
class Policy {
 public:
  // An interrupt came to ring 3 of that space at `now`; so many kernel entries of other kinds there
  // were since the beginning. Whether the space is to be run natively from now on.
  bool note_interrupt(u64 cr3, u64 kernel_entries, u64 now);

  // What a stay in a space's stub was.
  struct Stay {
    u64 native = 0;             // CPU time until it was left
    u64 orders = 0, pages = 0;  // carried out by the mapper
    bool left_page = false;     // for code of a page that has to be translated
  };
  // Whether the space is to be run natively again.
  bool note_stay(u64 cr3, const Stay& stay);

  // It cannot be run natively, or is not the space any more that it was.
  void forget(u64 cr3) { known_.erase(cr3); }

  u64 promoted() const { return promoted_; }
  u64 demoted() const { return demoted_; }

  // Measured on a busy host, in CPU time: hand-over and back, and how much of that counts as time
  // in the guest's code; the mapper's part; a page of it.
  static constexpr i64 kHandOver = 20'000, kSeenOfIt = 10'000, kOrders = 20'000, kPage = 2'500;
  // The translator goes block by block until it is out of such a page.
  static constexpr i64 kLeavePage = 20'000;
  // Between kernel entries, at least; and how long a space has to be seen like that.
  static constexpr u64 kStretch = 150'000, kProbation = 6'000'000;
  static constexpr i64 kStart = 1'500'000, kMost = 1'500'000, kTick = 200'000;
  static constexpr unsigned kMostRests = 10;
  static constexpr u64 kFirstBackOff = 200'000'000, kLongestBackOff = 10'000'000'000;

 private:
  // What of the time in native code is paid in. Most programs gain more than all of it; some, whose
  // instructions are translated as they are, next to nothing, and are not to lose much.
  static constexpr i64 kGain = 10;  // one of so many parts
  static constexpr std::size_t kMostKnown = 256;

  struct History {
    bool promoted = false, rests = false;
    u64 score = 0;
    i64 account = 0;
    unsigned rested = 0;
    u64 back_off = 0, not_before = 0;
  };
  bool probe(History& history, u64 time, u64 entries, u64 now);
  void demote(History& history, u64 now);

  std::unordered_map<u64, History> known_;
  u64 last_interrupt_ = 0, last_entries_ = 0;
  u64 promoted_ = 0, demoted_ = 0;
};

}  // namespace backplane::native
