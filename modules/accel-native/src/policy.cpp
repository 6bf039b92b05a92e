// SPDX-License-Identifier: MIT
#include "policy.h"

#include <algorithm>
#include <utility>

namespace backplane::native {

bool Policy::note_interrupt(u64 cr3, u64 kernel_entries, u64 now) {
  const u64 time = now - std::exchange(last_interrupt_, now);
  const u64 entries = kernel_entries - std::exchange(last_entries_, kernel_entries);
  if (known_.size() >= kMostKnown) known_.clear();
  History& history = known_[cr3];
  if (!history.promoted) return probe(history, time, entries, now);
  history.account = std::min(history.account + kTick, kMost);
  if (std::exchange(history.rests, false)) {
    if (++history.rested > kMostRests) demote(history, now);
  } else {
    history.rested /= 2;
  }
  return history.promoted;
}

bool Policy::probe(History& history, u64 time, u64 entries, u64 now) {
  // A pause is none of its time.
  constexpr u64 kLongestTick = 10'000'000;
  const u64 seen = std::min(time, kLongestTick);
  if (seen / (entries + 1) < kStretch) {
    history.score /= 2;
    return false;
  }
  history.score += seen;
  if (history.score < kProbation || now < history.not_before) return false;
  history.promoted = true;
  history.score = 0;
  history.rested = 0;
  history.account = kStart;
  ++promoted_;
  return true;
}

void Policy::demote(History& history, u64 now) {
  history.promoted = false;
  history.back_off = std::clamp(history.back_off * 2, kFirstBackOff, kLongestBackOff);
  history.not_before = now + history.back_off;
  ++demoted_;
}

bool Policy::note_stay(u64 cr3, const Stay& stay) {
  History& history = known_[cr3];
  const i64 native = std::max<i64>(static_cast<i64>(stay.native) - kSeenOfIt, 0);
  const i64 cost = kHandOver + static_cast<i64>(stay.orders) * kOrders +
                   static_cast<i64>(stay.pages) * kPage + (stay.left_page ? kLeavePage : 0);
  history.account = std::min(history.account + native / kGain - cost, kMost);
  history.rests = history.account < 0;
  return history.promoted && !history.rests;
}

}  // namespace backplane::native
