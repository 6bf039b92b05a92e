// SPDX-License-Identifier: MIT
// A lock that code without vector registers may take: it calls nothing.
#pragma once

#include <sched.h>

#include <atomic>

namespace backplane::tcg {

class SpinLock {
 public:
  void lock() {
    while (locked_.exchange(true, std::memory_order_acquire)) wait();
  }
  void unlock() { locked_.store(false, std::memory_order_release); }

 private:
  // A block is being translated: that takes longer than a few turns.
  void wait() {
    for (unsigned turn = 0; locked_.load(std::memory_order_relaxed); ++turn) {
      if (turn < 64)
        __builtin_ia32_pause();
      else
        sched_yield();
    }
  }

  std::atomic<bool> locked_{false};
};

}  // namespace backplane::tcg
