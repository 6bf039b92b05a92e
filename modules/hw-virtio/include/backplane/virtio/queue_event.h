// SPDX-License-Identifier: MIT
// A queue's notification that the accelerator takes without leaving the guest, or that is passed on
// by the vCPU's thread: the queue is served in a loop's thread instead.
#pragma once

#include <functional>
#include <vector>

#include "backplane/event_fd.h"
#include "backplane/io_context.h"
#include "backplane/main_loop.h"
#include "backplane/memory.h"
#include "backplane/virtio/version.h"

namespace backplane {

// Machine lock.
class QueueEvent {
 public:
  // `kick` is called in the loop after a write. Throws Error if the host has no eventfd left.
  QueueEvent(IoContext& loop, std::function<void()> kick);
  QueueEvent(MainLoop& loop, std::function<void()> kick);
  // With the loop's lock.
  ~QueueEvent();
  QueueEvent(const QueueEvent&) = delete;
  QueueEvent& operator=(const QueueEvent&) = delete;

  // A write that notifies; the event's own eventfd is filled in. The region outlives this object.
  void attach(MemoryRegion& region, MemoryRegion::Eventfd write);
  // As such a write does.
  void signal() { event_.signal(); }

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
