// SPDX-License-Identifier: MIT
// A lock that code without vector registers may take. Who has to wait for long sleeps: the thread
// that holds it may wait for its turn on the host's processors.
#pragma once

#include <atomic>

#include "backplane/types.h"

namespace backplane::tcg {

class CacheLock {
 public:
  void lock() {
    u32 expected = kFree;
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire)) wait();
  }
  void unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kAwaited) wake();
  }

 private:
  static constexpr u32 kFree = 0, kHeld = 1, kAwaited = 2;
  void wait();
  void wake();

  std::atomic<u32> state_{kFree};
};

}  // namespace backplane::tcg
