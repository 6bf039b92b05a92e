// SPDX-License-Identifier: MIT
#include "policy.h"

#include <algorithm>
#include <utility>

namespace backplane::native {
namespace {

// Entries are counted in fixed point.
constexpr u64 kOneEntry = 16;

}  // namespace

Policy::History& Policy::history_of(const Tick& tick) {
  // Threads of a program are closer to one another than programs, whose place the system chooses by
  // chance. [Linux arch/x86/mm/mmap.c]
  constexpr u64 kNear = u64{1} << 36;
  if (known_.size() >= kMostKnown && !known_.contains(tick.cr3)) known_.clear();
  const auto [entry, is_new] = known_.try_emplace(tick.cr3);
  History& history = entry->second;
  if (!is_new && tick.thread_pointer - history.thread_pointer + kNear > 2 * kNear) history = {};
  history.thread_pointer = tick.thread_pointer;
  return history;
}

void Policy::Pace::add(u64 more_time, u64 more_entries) {
  time += more_time;
  entries += more_entries * kOneEntry;
}

// What is old counts less and less.
void Policy::Pace::age() {
  constexpr u64 kParts = 8;
  time -= time / kParts;
  entries -= entries / kParts;
}

bool Policy::Pace::is_known() const {
  constexpr u64 kEnough = 8 * kOneEntry;
  return entries >= kEnough;
}

bool Policy::Pace::is_faster_than(const Pace& other) const {
  return static_cast<double>(time) * static_cast<double>(other.entries) <
         static_cast<double>(other.time) * static_cast<double>(entries);
}

i64 Policy::gain(const History& history) {
  if (!history.translated.is_known() || !history.native.is_known()) return kUnknownGain;
  return history.native.is_faster_than(history.translated) ? kGain : kNoGain;
}

bool Policy::note_tick(const Tick& tick) {
  // A pause is none of its time.
  constexpr u64 kLongestTick = 10'000'000;
  const u64 time = std::min(tick.time - std::exchange(last_time_, tick.time), kLongestTick);
  const u64 entries = tick.kernel_entries - std::exchange(last_entries_, tick.kernel_entries);
  History& history = history_of(tick);
  const bool is_native = history.promoted && history.rest == 0;
  const bool mixed = std::exchange(history.mixed, false);
  if (is_native) {
    history.native.age();
    history.next_rest = std::max(history.next_rest / 2, 1u);
    return true;
  }
  if (!mixed) {
    history.translated.age();
    history.translated.add(time, entries);
  }
  if (tick.banned || time / (entries + 1) < kStretch) {
    history.score /= 2;
    return false;
  }
  if (!history.promoted) return promote(history, time);
  const bool changed = !history.rests_for_page && time / (entries + 1) >= kLongStretch;
  history.rest -= std::min(history.rest, changed ? kTicksOfChange : 1u);
  if (history.rest > 0) return false;
  begin(history, std::max(history.account, kStake));
  return true;
}

bool Policy::promote(History& history, u64 time) {
  history.score += time;
  if (history.score < history.probation) return false;
  history.promoted = true;
  begin(history, kMost);
  ++promoted_;
  return true;
}

bool Policy::put_off(u64 cr3) {
  History& history = known_[cr3];
  if (history.probation == kLongProbation) return false;
  const u64 thread_pointer = history.thread_pointer;
  history = {};
  history.thread_pointer = thread_pointer;
  history.probation = kLongProbation;
  --promoted_;
  return true;
}

void Policy::begin(History& history, i64 account) {
  history.account = account;
  history.begins = true;
  history.burst = 0;
}

void Policy::rest(History& history, bool longer) {
  history.rest = longer ? history.next_rest : 1;
  if (longer) history.next_rest = std::min(2 * history.next_rest, kLongestRest);
  history.mixed = true;
  ++rests_;
}

// From the end of the stay before, the guest's kernel is part of it.
void Policy::note_pace(u64 cr3, History& history, const Stay& stay) {
  const bool goes_on = std::exchange(last_stay_, cr3) == cr3;
  const u64 since = std::exchange(last_stay_ended_, stay.ended);
  // What it costs to begin tells nothing of the pace.
  if (std::exchange(history.begins, false) || !goes_on) return;
  history.native.add(stay.ended - since + stay.native + stay.mapper, stay.left_kernel ? 1 : 0);
}

bool Policy::note_stay(u64 cr3, const Stay& stay) {
  const auto found = known_.find(cr3);
  if (found == known_.end() || !found->second.promoted) return false;
  History& history = found->second;
  note_pace(cr3, history, stay);
  const i64 signals = static_cast<i64>(stay.entries) * kSignal;
  const i64 native = std::max<i64>(static_cast<i64>(stay.native) - signals, 0);
  const i64 cost = static_cast<i64>(stay.ended - stay.began + stay.mapper) + signals + kTranslator +
                   (stay.left_page ? kLeavePage : 0);
  history.account = std::min(history.account + native / gain(history) - cost, kMost);
  history.burst = native < cost ? history.burst + 1 : 0;
  if (history.account < 0)
    rest(history, true);
  else if (history.burst == kBurst)
    rest(history, stay.left_page);
  else
    return true;
  history.rests_for_page = stay.left_page;
  return false;
}

}  // namespace backplane::native
