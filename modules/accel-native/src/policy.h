// SPDX-License-Identifier: MIT
// Which address spaces are worth it, and when: a hand-over costs as much as thousands of
// instructions.
//
// A space whose programs compute, with long stretches between entries of the kernel and in code
// that may be run natively, is promoted. From then on it has an account, in CPU time: some of the
// time in native code is paid in, and what it cost to be there is taken out. When nothing is left
// the space rests, translated, for a number of ticks of the guest's timer in which it computes, and
// each time for twice as many; then it is tried again with a small stake. So what a program can
// lose is bounded: what it begins with, and a stake each time.
#pragma once

#include <optional>
#include <unordered_map>

#include "backplane/memory.h"
#include "backplane/types.h"

namespace backplane::native {

// Times in nanoseconds; address spaces by their CR3. One vCPU's.
class Policy {
 public:
  // An interrupt that came to ring 3.
  struct Tick {
    u64 cr3 = 0;
    // By the base of FS a program is told from another that has its tables where one had them that
    // ended.
    u64 thread_pointer = 0;
    u64 time = 0;            // CPU time of translation since the beginning
    u64 kernel_entries = 0;  // and how often, but by interrupts, the kernel was entered
    bool banned = false;     // the code that it came to has to be translated
    u64 code = 0;            // where in RAM it is; 0: not known
  };
  // Whether the space is to be run natively from now on.
  bool note_tick(const Tick& tick);

  // Of a space that was just promoted: code that has to be translated is in use there, and may be
  // hot, so that less is staked.
  void doubt(u64 cr3);

  // What a stay in a space's stub was, in CPU time.
  struct Stay {
    u64 native = 0;            // of the task that runs the guest
    u64 entries = 0;           // of guest code
    u64 mapper = 0;            // of the other task
    u64 began = 0, ended = 0;  // of the emulator's thread since the beginning
    bool left_kernel = false;  // for the guest's kernel
    bool left_page = false;    // for code of a page that has to be translated
  };
  // Whether the space is to be run natively again.
  bool note_stay(u64 cr3, const Stay& stay);

  // It cannot be run natively, or is not the space any more that it was.
  void forget(u64 cr3) { known_.erase(cr3); }
  // Whether the space is promoted and does not rest.
  bool is_native(u64 cr3) const {
    const auto found = known_.find(cr3);
    return found != known_.end() && found->second.promoted && found->second.rest == 0;
  }

  u64 promoted() const { return promoted_; }
  u64 rests() const { return rests_; }

  // Of an entry and the end of it, what the task that runs the guest has to do; and the translator,
  // to leave its code and come back.
  static constexpr i64 kSignal = 5'000, kTranslator = 2'000;
  // The translator goes block by block until it is out of such a page.
  static constexpr i64 kLeavePage = 10'000;
  // Between kernel entries, at least, where it is not known what the program gains; and how long a
  // space has to be seen like that, and for how long more at most, as ticks came to code that has
  // to be translated.
  static constexpr u64 kStretch = 150'000;
  static constexpr i64 kProbation = 2'000'000, kMostDoubt = 20'000'000;
  // What a stay costs at most, of those that follow one another closely.
  static constexpr u64 kStay = 25'000;
  // On the account: at first and at most; at first where code has to be translated; after a rest.
  static constexpr i64 kMost = 3'000'000, kDoubtful = 2'000'000, kStake = 600'000;
  // What may have been spent when a space rests for a tick, so that its gain is seen once more.
  static constexpr i64 kLook = 10'000'000, kLastLook = 160'000'000;
  // Stays that cost more than they save, one after the other, have it rest at once when they have
  // lost so much, or more where there is much on the account: one of so many parts.
  static constexpr i64 kBurst = 120'000, kPartInBurst = 8;
  // Ticks.
  static constexpr unsigned kLongestRest = 32;
  // A space that rests because it entered its kernel too often, and does so no more, does not wait
  // for long: a tick in which there are such stretches counts as many.
  static constexpr u64 kLongStretch = 1'500'000;
  static constexpr unsigned kTicksOfChange = 16;

 private:
  static constexpr std::size_t kMostKnown = 256, kMostCode = 1024;

  // What a program gains shows where it enters its kernel often, for which alone it matters: by the
  // time from one entry to the next, translated and a moment later in native code.
  // Time of both the program and its kernel, and kernel entries.
  struct Pace {
    u64 time = 0, entries = 0;
  };
  // In native code, time of each.
  struct Sample {
    u64 native = 0, kernel = 0, entries = 0;
  };
  struct History {
    u64 thread_pointer = 0;
    bool promoted = false;
    i64 score = 0;
    i64 account = 0;
    unsigned rest = 0, next_rest = 1;  // ticks to go; and how many the next time
    Pace translated;
    Sample sample;
    std::optional<double> gain;                 // what is saved, in parts of native time
    u64 kernel = 0;                             // its time from one stay to the next
    i64 until_look = kLook, next_look = kLook;  // by what stays cost
    bool rests_for_page = false;
    u64 native_entries = 0;  // of the kernel, since the last tick
    bool mixed = false;      // since the last tick it was run in both ways
    bool begins = false;     // the next stay is the first
    i64 burst = 0;           // lost by the last stays
    bool left_page = false;  // in one of these
  };
  History& history_of(const Tick& tick);
  bool promote(History& history, u64 time);
  void begin(History& history, i64 account);
  void rest(History& history, bool longer);
  void note_code(const Tick& tick, History& history);
  void note_pace(u64 cr3, History& history, const Stay& stay, u64 native);
  static void learn(History& history);
  void look_again(History& history);
  static u64 shortest_stretch(const History& history);

  std::unordered_map<u64, History> known_;
  // What programs gained, by pages of code that ticks came to.
  std::unordered_map<u64, double> gains_;
  u64 last_time_ = 0, last_entries_ = 0;
  u64 last_stay_ = 0, last_stay_ended_ = 0;  // whose, and when
  u64 promoted_ = 0, rests_ = 0;
};

}  // namespace backplane::native
