// SPDX-License-Identifier: MIT
// Virtual time that goes on when it is told to, and only then.
#pragma once

#include <atomic>

#include "backplane/clock.h"

namespace backplane::qtest {

// Machine lock, but for now().
class SteppedClock {
 public:
  // `clock`: a machine's virtual one, which follows this from now on and must not outlive it.
  explicit SteppedClock(Clock& clock) : clock_(clock) {
    clock.set_source([this] { return now(); });
  }

  i64 now() const { return now_.load(std::memory_order_relaxed); }  // ns; any thread

  // Goes on to that time, in ns, and fires the timers on the way at their deadlines, earliest
  // first. A time that has passed does nothing.
  void advance_to(i64 time);
  // Goes on to the earliest deadline; without one, nowhere.
  void advance_to_deadline();

 private:
  void set(i64 time) { now_.store(time, std::memory_order_relaxed); }

  Clock& clock_;
  std::atomic<i64> now_{0};
};

}  // namespace backplane::qtest
