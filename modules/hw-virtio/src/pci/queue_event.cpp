// SPDX-License-Identifier: MIT
#include "backplane/virtio/queue_event.h"

#include <utility>

namespace backplane {

QueueEvent::QueueEvent(IoContext& loop, std::function<void()> kick)
    : watch_(loop.watch(event_.waitable(), IoContext::kReadable,
                        [this, kick = std::move(kick)](unsigned) {
                          if (event_.take()) kick();
                        })) {}

QueueEvent::QueueEvent(MainLoop& loop, std::function<void()> kick)
    : QueueEvent(loop.io_context(), std::move(kick)) {}

QueueEvent::~QueueEvent() {
  const MemoryRegion::Batch batch;
  for (const Place& place : places_) place.region->remove_eventfd(place.write);
}

void QueueEvent::attach(MemoryRegion& region, MemoryRegion::Eventfd write) {
  write.event = &event_;
  places_.push_back({&region, write});
  region.add_eventfd(write);
}

}  // namespace backplane
