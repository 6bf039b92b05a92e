// SPDX-License-Identifier: MIT
#include "backplane/event.h"

namespace backplane {

std::span<const EventType* const> frame_events() {
  static constexpr const EventType* kEvents[] = {
      &kStopEvent,  &kResumeEvent,    &kResetEvent,      &kPowerdownEvent,    &kShutdownEvent,
      &kPanicEvent, &kMigrationEvent, &kBlockErrorEvent, &kDeviceDeletedEvent};
  return kEvents;
}

}  // namespace backplane
