// SPDX-License-Identifier: MIT
#pragma once

#include <glib.h>

#include <memory>

#include "backplane/clock.h"
#include "loop/alarm.h"

namespace backplane {

// Fires a clock's timers from the main loop. The thread that arms a timer sets the alarm
// itself, without waking the loop.
class ClockSource {
 public:
  ClockSource(GMainContext* context, Clock& clock);
  ~ClockSource();
  ClockSource(const ClockSource&) = delete;
  ClockSource& operator=(const ClockSource&) = delete;

  Clock& clock() const { return clock_; }

 private:
  static gboolean fired(gint fd, GIOCondition condition, gpointer self);
  void run();
  void set_alarm();

  Clock& clock_;
  Alarm alarm_;
  GSource* source_;
  // Gone with this object: the clock's hook, which whoever comes next may have replaced already,
  // stays behind and does nothing.
  std::shared_ptr<ClockSource*> self_ = std::make_shared<ClockSource*>(this);
};

}  // namespace backplane
