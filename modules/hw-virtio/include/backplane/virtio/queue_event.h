// SPDX-License-Identifier: MIT
// A queue's notification that the accelerator takes without leaving the guest: the main loop serves
// the queue instead of the vCPU's thread.
#pragma once

#include <functional>
#include <vector>

#include "backplane/event_fd.h"
#include "backplane/main_loop.h"
#include "backplane/memory.h"
#include "backplane/virtio/version.h"

namespace backplane {

// Machine lock.
class QueueEvent {
 public:
  // `kick` is called on the main loop after a write. Throws Error if the host has no eventfd left.
  QueueEvent(MainLoop& loop, std::function<void()> kick);
  ~QueueEvent();
  QueueEvent(const QueueEvent&) = delete;
  QueueEvent& operator=(const QueueEvent&) = delete;

  // A write that notifies; the event's own eventfd is filled in. The region outlives this object.
  void attach(MemoryRegion& region, MemoryRegion::Eventfd write);

 private:
  struct Place {
    MemoryRegion* region;
    MemoryRegion::Eventfd write;
  };
  EventFd event_;
  MainLoop::WatchHandle watch_;
  std::vector<Place> places_;
};

}  // namespace backplane
