// SPDX-License-Identifier: MIT
#include "backplane/event_fd.h"

#include <windows.h>

#include "backplane/error.h"
#include "diagnostics/windows/last_error.h"

namespace backplane {

EventFd::EventFd() : waitable_(CreateEventW(nullptr, TRUE, FALSE, nullptr)) {
  if (waitable_ == nullptr) throw Error::system("cannot create an event", last_errno());
}

EventFd::~EventFd() { CloseHandle(waitable_); }

void EventFd::signal() { SetEvent(waitable_); }

bool EventFd::take() {
  if (WaitForSingleObject(waitable_, 0) != WAIT_OBJECT_0) return false;
  ResetEvent(waitable_);
  return true;
}

}  // namespace backplane
