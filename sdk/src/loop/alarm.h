// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/main_loop.h"
#include "backplane/types.h"

namespace backplane {

// A timer of the host that a main loop can wait for. Any thread may set it, without waking the
// loop.
class Alarm {
 public:
  // Throws Error.
  Alarm();
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  // Ready from when it goes off until it is acknowledged or set again.
  MainLoop::Waitable waitable() const { return waitable_; }
  // Lets it go off once, in so many nanoseconds (at least 1), instead of when it was set for
  // before.
  void set(i64 nanoseconds);
  void cancel();
  void acknowledge();

 private:
  MainLoop::Waitable waitable_;
};

}  // namespace backplane
