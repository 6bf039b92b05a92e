// SPDX-License-Identifier: MIT
#include "loop/alarm.h"

#include <windows.h>

#include "backplane/error.h"
#include "diagnostics/windows/last_error.h"

namespace backplane {

namespace {

constexpr i64 kNanosecondsPerTick = 100;

// Exact to half a millisecond where the system has such timers (Windows 10 1803), else to what the
// scheduler's clock allows.
HANDLE create_timer() {
  constexpr DWORD kHighResolution = 2;  // CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
  const HANDLE timer = CreateWaitableTimerExW(nullptr, nullptr, kHighResolution, TIMER_ALL_ACCESS);
  if (timer != nullptr) return timer;
  return CreateWaitableTimerExW(nullptr, nullptr, 0, TIMER_ALL_ACCESS);
}

}  // namespace

// Setting or cancelling it makes it unsignalled, and so does a wait that it ends.
Alarm::Alarm() : waitable_(create_timer()) {
  if (waitable_ == nullptr) throw Error::system("cannot create a timer", last_errno());
}

Alarm::~Alarm() { CloseHandle(waitable_); }

void Alarm::set(i64 nanoseconds) {
  LARGE_INTEGER due;
  due.QuadPart = -((nanoseconds + kNanosecondsPerTick - 1) / kNanosecondsPerTick);
  SetWaitableTimer(waitable_, &due, 0, nullptr, nullptr, FALSE);
}

void Alarm::cancel() { CancelWaitableTimer(waitable_); }

void Alarm::acknowledge() {}

}  // namespace backplane
