// SPDX-License-Identifier: MIT
// A machine's time-stamp counter, which is its virtual clock in other units: it stands still when
// the clock does.
#pragma once

#include <functional>
#include <vector>

#include "backplane/clock.h"
#include "backplane/types.h"
#include "backplane/x86/state.h"

namespace backplane::x86 {

// Where the clock follows the host's, the counter follows the host's counter, at a distance that
// changes only when the clock stood still; so processors may read it by themselves for a while.
// Otherwise (instruction counting, tests) it is the clock's time. Machine lock for everything.
class GuestTsc {
 public:
  using Number = std::function<u64()>;

  // `host_counter`: the host's time-stamp counter, which counts `frequency` Hz, nearly; that is
  // asked for when it is first needed.
  GuestTsc(Clock& clock, Number frequency, Number host_counter);
  ~GuestTsc();
  GuestTsc(const GuestTsc&) = delete;
  GuestTsc& operator=(const GuestTsc&) = delete;

  struct Reading {
    u64 value = 0;
    i64 offset = 0;       // host's counter + offset is the value ...
    u64 valid_until = 0;  // ... while the host's is not above this; 0: not at all
  };
  Reading read();
  // The host's counter when the clock stopped, while it is.
  u64 host_counter_at_stop() const { return anchor_.counter; }
  // What it counts on from, while the clock is stopped.
  void set(u64 value);

  // A processor that reads by itself: what it knows is taken away when the clock stops.
  void add_reader(X86State& state);
  void remove_reader(X86State& state);

 private:
  struct Moment {
    u64 counter = 0;
    i64 time = 0;  // of the host
  };
  Moment host_now() const;
  // Ticks of the host's counter in so much of its time up to `now`.
  i64 ticks_in(i64 nanoseconds, const Moment& now) const;
  void clock_changed(i64 stood_still);

  Clock& clock_;
  Number frequency_, host_counter_;
  std::vector<X86State*> readers_;
  i64 offset_ = 0;
  u64 stopped_value_ = 0;  // while the clock is stopped
  bool stopped_ = true;
  u64 shown_ = 0;  // no processor has seen, or may read by itself, more than this
  Moment anchor_;  // when the clock was last seen to run
};

}  // namespace backplane::x86
