// SPDX-License-Identifier: MIT
#include "loop/alarm.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane {

namespace {

constexpr i64 kNanosecondsPerSecond = 1'000'000'000;

}  // namespace

Alarm::Alarm() : waitable_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (waitable_ < 0) throw Error::system("cannot create a timer", errno);
}

Alarm::~Alarm() { close(waitable_); }

void Alarm::set(i64 nanoseconds) {
  itimerspec alarm{};
  alarm.it_value.tv_sec = nanoseconds / kNanosecondsPerSecond;
  alarm.it_value.tv_nsec = nanoseconds % kNanosecondsPerSecond;
  timerfd_settime(waitable_, 0, &alarm, nullptr);
}

void Alarm::cancel() {
  const itimerspec none{};
  timerfd_settime(waitable_, 0, &none, nullptr);
}

void Alarm::acknowledge() {
  u64 expirations;
  // Nothing to read: it has been set again meanwhile.
  static_cast<void>(!read(waitable_, &expirations, sizeof expirations));
}

}  // namespace backplane
