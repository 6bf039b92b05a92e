// SPDX-License-Identifier: MIT
#include "stepped_clock.h"

#include <algorithm>

namespace backplane::qtest {

void SteppedClock::advance_to(i64 time) {
  while (now() < time) {
    const i64 deadline = clock_.next_deadline();
    // One that was missed fires at once.
    set(deadline < 0 ? time : std::clamp(deadline, now(), time));
    if (deadline < 0 || deadline > time) continue;
    // A timer that is armed anew for this very moment again and again must not stop time.
    if (clock_.run_timers() == 0 || clock_.next_deadline() == now()) set(now() + 1);
  }
  clock_.run_timers();
}

void SteppedClock::advance_to_deadline() {
  if (const i64 deadline = clock_.next_deadline(); deadline >= 0)
    advance_to(std::max(deadline, now()));
}

}  // namespace backplane::qtest
