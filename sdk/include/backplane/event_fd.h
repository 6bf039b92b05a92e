// SPDX-License-Identifier: MIT
// What the host's kernel and this process signal each other through: an eventfd; on Windows an
// event object. [eventfd(2)]
#pragma once

#include "backplane/main_loop.h"

namespace backplane {

// Any thread.
class EventFd {
 public:
  // Throws Error if the host has none left.
  EventFd();
  ~EventFd();
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;

  // To be watched for being readable, or given to the kernel.
  MainLoop::Waitable waitable() const { return waitable_; }
  void signal();
  // Whether it was signalled since the last time. Does not wait.
  bool take();

 private:
  MainLoop::Waitable waitable_;
};

}  // namespace backplane
