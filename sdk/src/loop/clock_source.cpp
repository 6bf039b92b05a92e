// SPDX-License-Identifier: MIT
#include "loop/clock_source.h"

#include <algorithm>

#include "loop/callback.h"
#include "loop/poll_source.h"

namespace backplane {

namespace {

// A wall clock may be set while we sleep: look again this often.
constexpr i64 kWallClockCheck = 1'000'000'000;
// Until the clock is asked again whether its timers may fire.
constexpr i64 kReadyCheck = 1'000'000;

}  // namespace

ClockSource::ClockSource(GMainContext* context, Clock& clock)
    : clock_(clock), source_(new_poll_source(alarm_.waitable(), MainLoop::kReadable)) {
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
}

gboolean ClockSource::fired(gint, GIOCondition, gpointer self) {
  static_cast<ClockSource*>(self)->run();
  return G_SOURCE_CONTINUE;
}

void ClockSource::run() {
  run_callback([this] {
    // Detached while we waited for the lock.
    if (g_source_is_destroyed(source_)) return;
    alarm_.acknowledge();
    if (clock_.running()) {
      if (!clock_.ready_to_fire()) return alarm_.set(kReadyCheck);
      clock_.run_timers();
    }
    set_alarm();
  });
}

void ClockSource::set_alarm() {
  const i64 deadline = clock_.next_deadline();
  if (deadline < 0 || !clock_.running()) {
    alarm_.cancel();
    return;
  }
  i64 wait = std::max<i64>(deadline - clock_.now(), 1);
  if (clock_.type() == ClockType::Host) wait = std::min(wait, kWallClockCheck);
  alarm_.set(wait);
}

}  // namespace backplane
