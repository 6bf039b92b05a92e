// SPDX-License-Identifier: MIT
#include "loop/clock_source.h"

#include <glib-unix.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "backplane/error.h"
#include "loop/callback.h"

namespace backplane {

namespace {

constexpr i64 kNanosecondsPerSecond = 1'000'000'000;

// A wall clock may be set while we sleep: look again this often.
constexpr i64 kWallClockCheck = kNanosecondsPerSecond;

}  // namespace

ClockSource::ClockSource(GMainContext* context, Clock& clock)
    : clock_(clock), fd_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (fd_ < 0) throw Error::system("cannot create a timer", errno);
  source_ = g_unix_fd_source_new(fd_, G_IO_IN);
  g_source_set_name(source_, "backplane clock");
  g_source_set_callback(source_, G_SOURCE_FUNC(&ClockSource::fired), this, nullptr);
  g_source_attach(source_, context);
  clock_.set_rearmed_hook([self = std::weak_ptr<ClockSource*>(self_)] {
    if (const auto source = self.lock()) (*source)->set_alarm();
  });
  set_alarm();
}

ClockSource::~ClockSource() {
  g_source_destroy(source_);
  g_source_unref(source_);
  close(fd_);
}

gboolean ClockSource::fired(gint, GIOCondition, gpointer self) {
  static_cast<ClockSource*>(self)->run();
  return G_SOURCE_CONTINUE;
}

void ClockSource::run() {
  run_callback([this] {
    // Detached while we waited for the lock.
    if (g_source_is_destroyed(source_)) return;
    u64 expirations;
    if (read(fd_, &expirations, sizeof expirations) < 0 && errno != EAGAIN) return;
    if (clock_.running()) clock_.run_timers();
    set_alarm();
  });
}

void ClockSource::set_alarm() {
  itimerspec alarm{};  // all zero: none
  if (const i64 deadline = clock_.next_deadline(); deadline >= 0 && clock_.running()) {
    i64 wait = std::max<i64>(deadline - clock_.now(), 1);
    if (clock_.type() == ClockType::Host) wait = std::min(wait, kWallClockCheck);
    alarm.it_value.tv_sec = wait / kNanosecondsPerSecond;
    alarm.it_value.tv_nsec = wait % kNanosecondsPerSecond;
  }
  timerfd_settime(fd_, 0, &alarm, nullptr);
}

}  // namespace backplane
