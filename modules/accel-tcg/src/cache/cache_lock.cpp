// SPDX-License-Identifier: MIT
// Compiled without vector registers: translated code calls it with the guest's in place.
#include "cache/cache_lock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace backplane::tcg {
namespace {

// Most holders are done sooner than a thread is put to sleep.
constexpr unsigned kTurnsAwake = 100;

}  // namespace

void CacheLock::wait() {
  for (unsigned turn = 0; turn < kTurnsAwake; ++turn) {
    __builtin_ia32_pause();
    u32 expected = kFree;
    if (state_.compare_exchange_weak(expected, kHeld, std::memory_order_acquire)) return;
  }
  while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree)
    syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, kAwaited, nullptr, nullptr, 0);
}

void CacheLock::wake() { syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0); }

}  // namespace backplane::tcg
