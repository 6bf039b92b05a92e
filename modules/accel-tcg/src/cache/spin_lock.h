// SPDX-License-Identifier: MIT
// A lock that code without vector registers may take: it calls nothing.
#pragma once

#include <sched.h>

#include <atomic>

namespace backplane::tcg {

// Waits for what another thread does soon, unless the host has it wait for its turn.
template <class Condition>
void spin_while(Condition condition) {
  for (unsigned turn = 0; condition(); ++turn) {
    if (turn < 64)
      __builtin_ia32_pause();
    else
      sched_yield();
  }
}

class SpinLock {
 public:
  void lock() {
    while (locked_.exchange(true, std::memory_order_acquire))
      spin_while([this] { return locked_.load(std::memory_order_relaxed); });
  }
  void unlock() { locked_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> locked_{false};
};

}  // namespace backplane::tcg
