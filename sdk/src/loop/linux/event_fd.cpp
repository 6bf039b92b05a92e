// SPDX-License-Identifier: MIT
#include "backplane/event_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane {

EventFd::EventFd() : waitable_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (waitable_ < 0) throw Error::system("cannot create an eventfd", errno);
}

EventFd::~EventFd() { close(waitable_); }

// A counter that is full is signalled already.
void EventFd::signal() { eventfd_write(waitable_, 1); }

bool EventFd::take() {
  eventfd_t count;
  return eventfd_read(waitable_, &count) == 0;
}

}  // namespace backplane
