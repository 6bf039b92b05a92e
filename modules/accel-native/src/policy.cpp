// SPDX-License-Identifier: MIT
#include "policy.h"

#include <algorithm>
#include <utility>

namespace backplane::native {
namespace {

// What native code saves, in parts of its own time: what is assumed, and what is believed.
constexpr double kUnknownGain = 0.1, kLeastGain = 1.0 / 64, kMostGain = 4, kPriorGain = 1,
                 kLittleGain = 0.2;
// Stays that last for less than so many times what they cost are to be worth it.
constexpr i64 kShort = 16;
// Kernel entries by which the gain is learned.
constexpr u64 kLeastEntries = 4, kSampleEntries = 16;

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

u64 Policy::shortest_stretch(const History& history) {
  if (!history.gain) return kStretch;
  const double break_even = static_cast<double>(kStay) * (1 + 1 / *history.gain);
  // What has only the code of another's, and no stub yet, may end before that has paid.
  const u64 least = history.promoted ? 0 : kStretch / 2;
  return std::clamp(static_cast<u64>(break_even) + history.kernel, least, 4 * kStretch);
}

// A program that begins is like the one that had its code before.
void Policy::note_code(const Tick& tick, History& history) {
  const u64 page = tick.code / kPageSize;
  if (page == 0) return;
  if (history.gain) {
    if (gains_.size() >= kMostCode) gains_.clear();
    gains_[page] = *history.gain;
  } else if (const auto found = gains_.find(page);
             found != gains_.end() && found->second > kPriorGain) {
    history.gain = found->second;
  }
}

bool Policy::note_tick(const Tick& tick) {
  // A pause is none of its time.
  constexpr u64 kLongestTick = 10'000'000;
  u64 time = std::min(tick.time - std::exchange(last_time_, tick.time), kLongestTick);
  u64 entries = tick.kernel_entries - std::exchange(last_entries_, tick.kernel_entries);
  History& history = history_of(tick);
  note_code(tick, history);
  const bool is_native = history.promoted && history.rest == 0;
  const bool mixed = std::exchange(history.mixed, false);
  const u64 native_entries = std::exchange(history.native_entries, 0);
  if (is_native) {
    if (history.burst == 0 && history.account > kMost / 2)
      history.next_rest = std::max(history.next_rest / 2, 1u);
    return true;
  }
  if (tick.banned) {
    history.score = std::max(history.score - static_cast<i64>(time), -kMostDoubt);
    return false;
  }
  if (mixed) {
    // Translated was only what came after the last stay.
    constexpr u64 kLeastTime = 500'000;
    time = last_stay_ == tick.cr3 ? std::min(tick.time - last_stay_ended_, time) : 0;
    entries -= std::min(entries, native_entries);
    if (time < kLeastTime) return false;
    history.translated = {};
  }
  history.translated = {history.translated.time / 2 + time,
                        history.translated.entries / 2 + entries};
  if (time / (entries + 1) < shortest_stretch(history)) return false;
  if (!history.promoted) return promote(history, time);
  const bool changed = !history.rests_for_page && time / (entries + 1) >= kLongStretch;
  history.rest -= std::min(history.rest, changed ? kTicksOfChange : 1u);
  if (history.rest > 0) return false;
  begin(history, std::max(history.account, kStake));
  return true;
}

bool Policy::promote(History& history, u64 time) {
  history.score += static_cast<i64>(time);
  if (history.score < kProbation) return false;
  history.promoted = true;
  begin(history, kMost);
  ++promoted_;
  return true;
}

void Policy::doubt(u64 cr3) {
  if (const auto found = known_.find(cr3); found != known_.end()) found->second.account = kDoubtful;
}

void Policy::begin(History& history, i64 account) {
  history.account = account;
  history.begins = true;
  history.sample = {};
  history.burst = 0;
}

void Policy::rest(History& history, bool longer) {
  history.rest = longer ? history.next_rest : 1;
  if (longer) history.next_rest = std::min(2 * history.next_rest, kLongestRest);
  history.mixed = true;
  ++rests_;
}

void Policy::look_again(History& history) {
  history.until_look = history.next_look;
  rest(history, false);
}

// From the end of the stay before, the guest's kernel has run.
void Policy::note_pace(u64 cr3, History& history, const Stay& stay, u64 native) {
  const bool goes_on = std::exchange(last_stay_, cr3) == cr3;
  const u64 since = std::exchange(last_stay_ended_, stay.ended);
  // What was before the first stay is not known.
  if (std::exchange(history.begins, false) || !goes_on) return;
  Sample& sample = history.sample;
  if (sample.entries == kSampleEntries) return;
  sample.native += native;
  sample.kernel += stay.began - since;
  if (stay.left_kernel && ++sample.entries == kSampleEntries) learn(history);
}

// From one kernel entry to the next it was translated, and a moment later native: what was not the
// kernel's time then, in parts of what is not now, is what translation takes.
void Policy::learn(History& history) {
  const Sample& sample = history.sample;
  history.kernel = sample.kernel / sample.entries;
  if (history.translated.entries < kLeastEntries || sample.native == 0) return;
  const double translated = static_cast<double>(history.translated.time) /
                            static_cast<double>(history.translated.entries);
  const double seen =
      (translated * static_cast<double>(sample.entries) - static_cast<double>(sample.kernel)) /
          static_cast<double>(sample.native) -
      1;
  // What a program does changes, between the two as well: one look says little.
  const bool confirmed = seen >= history.gain.value_or(kPriorGain) / 2;
  history.gain = (history.gain.value_or(kPriorGain) + std::clamp(seen, kLeastGain, kMostGain)) / 2;
  history.next_look = confirmed ? std::min(2 * history.next_look, kLastLook) : kLook;
  history.until_look = seen < kLittleGain ? 0 : history.next_look;
}

bool Policy::note_stay(u64 cr3, const Stay& stay) {
  const auto found = known_.find(cr3);
  if (found == known_.end() || !found->second.promoted) return false;
  History& history = found->second;
  const i64 signals = static_cast<i64>(stay.entries) * kSignal;
  const i64 native = std::max<i64>(static_cast<i64>(stay.native) - signals, 0);
  const i64 cost = static_cast<i64>(stay.ended - stay.began + stay.mapper) + signals + kTranslator +
                   (stay.left_page ? kLeavePage : 0);
  const bool first = history.begins;
  note_pace(cr3, history, stay, static_cast<u64>(native));
  if (stay.left_kernel) ++history.native_entries;
  const double saved = static_cast<double>(native) * history.gain.value_or(kUnknownGain);
  history.account = std::min(history.account + static_cast<i64>(saved) - cost, kMost);
  const i64 hoped = static_cast<i64>(static_cast<double>(native) * history.gain.value_or(1));
  // To begin costs more than stays do.
  const bool loses = hoped < cost && !first;
  history.burst = loses ? history.burst + cost - hoped : 0;
  history.left_page = loses && (stay.left_page || history.left_page);
  if (history.account < 0)
    rest(history, true);
  else if (history.burst > std::max(kBurst, history.account / kPartInBurst))
    rest(history, history.left_page && history.account < kMost / 3);
  else if (native < kShort * cost && (history.until_look -= cost) < 0)
    look_again(history);
  else
    return true;
  history.rests_for_page = history.left_page;
  return false;
}

}  // namespace backplane::native
