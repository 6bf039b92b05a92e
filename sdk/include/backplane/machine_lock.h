// SPDX-License-Identifier: MIT
// The machine lock: serialises device models, the memory tree, and the object tree.
//
// Lock order: the machine lock is taken first; an I/O thread's (io_context.h), an accelerator's own
// locks (translation, code pages) and a block backend's or character device's internal locks are
// taken inside it.
// Translated guest code and RAM accesses run without it.
#pragma once

#include <condition_variable>

namespace backplane {

// One per process, as the devices of a process share one event loop.
class MachineLock {
 public:
  static void acquire();
  static void release();
  static bool held_by_me();
  // Waits on a condition variable with the lock given up meanwhile.
  // (Wake-ups without a cause happen: test what you wait for, again, with the lock.)
  static void wait(std::condition_variable_any& condition);
  // The same, at most `nanoseconds`; false on timeout.
  static bool wait_for(std::condition_variable_any& condition, long long nanoseconds);

  // Gives the lock up for a scope, if this thread holds it, around something that blocks.
  class Release {
   public:
    Release() : given_up_(held_by_me()) {
      if (given_up_) release();
    }
    ~Release() {
      if (given_up_) acquire();
    }
    Release(const Release&) = delete;
    Release& operator=(const Release&) = delete;

   private:
    bool given_up_;
  };

  // Holds the lock for a scope; if this thread holds it already, does nothing.
  class Guard {
   public:
    Guard() : taken_(!held_by_me()) {
      if (taken_) acquire();
    }
    ~Guard() {
      if (taken_) release();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    bool taken_;
  };
};

}  // namespace backplane
