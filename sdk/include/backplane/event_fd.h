// SPDX-License-Identifier: MIT
// A counter that the kernel and this process signal each other through. [eventfd(2)]
#pragma once

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
  int fd() const { return fd_; }
  void signal();
  // Whether it was signalled since the last time. Does not wait.
  bool take();

 private:
  int fd_;
};

}  // namespace backplane
