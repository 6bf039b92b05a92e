// SPDX-License-Identifier: MIT
// A virtual clock whose timers may be served late, as on a busy host.
#pragma once

#include "backplane/clock.h"
#include "backplane/machine_lock.h"

namespace backplane::pc::testing {

class LateClock {
 public:
  LateClock() {
    clock_.set_source([this] { return time_; });
  }
  Clock& clock() { return clock_; }

  // Time passes and nobody serves the timers.
  void miss(i64 nanoseconds) { time_ += nanoseconds; }
  // Time passes, and each timer fires at its time, or at once if that is over.
  void serve(i64 nanoseconds) {
    const i64 end = time_ + nanoseconds;
    for (i64 next; (next = clock_.next_deadline()) >= 0 && next <= end;) {
      if (next > time_) time_ = next;
      clock_.run_timers();
    }
    time_ = end;
  }

 private:
  MachineLock::Guard lock_;
  i64 time_ = 0;
  Clock clock_{ClockType::Virtual};
};

}  // namespace backplane::pc::testing
