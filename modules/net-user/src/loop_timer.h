// SPDX-License-Identifier: MIT
// A moment that a loop waits for, whichever loop that is: a Timer is the main loop's.
#pragma once

#include <functional>

#include "backplane/io_context.h"
#include "backplane/types.h"

namespace backplane {

// With the lock of the loop that it is in, and inside the machine lock where it is made, moved and
// destroyed.
class LoopTimer {
 public:
  // It waits in no loop at first. Throws Error if the host has none left.
  explicit LoopTimer(std::function<void()> fn);
  ~LoopTimer();
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;

  // fn runs in that loop from now on.
  void move_to(IoContext& loop);
  // fn runs once, so much later at the latest; an earlier moment that it was to run at stays.
  void arm_in(i64 nanoseconds);

 private:
  void fired();

  std::function<void()> fn_;
  int fd_;
  i64 deadline_ = -1;  // the host's monotonic time; -1: none
  IoContext::WatchHandle watch_{nullptr, nullptr};
};

}  // namespace backplane
