// SPDX-License-Identifier: MIT
#include "backplane/event_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane {

EventFd::EventFd() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw Error::system("cannot create an eventfd", errno);
}

EventFd::~EventFd() { close(fd_); }

// A counter that is full is signalled already.
void EventFd::signal() { eventfd_write(fd_, 1); }

bool EventFd::take() {
  eventfd_t count;
  return eventfd_read(fd_, &count) == 0;
}

}  // namespace backplane
