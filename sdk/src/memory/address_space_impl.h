// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "backplane/memory.h"

namespace backplane {

struct AddressSpace::Impl {
  struct PlacedEventfd {
    u64 address;
    MemoryRegion::Eventfd eventfd;
    bool operator==(const PlacedEventfd&) const = default;
  };

  u64 identity = 0;  // never used twice: tells the views of a gone address space from ours
  std::atomic<std::shared_ptr<const FlatView>> view;
  std::vector<MemoryListener*> listeners;
  std::vector<PlacedEventfd> eventfds;                        // those that the view shows
  std::map<const MemoryRegion*, MmioHandler> debug_handlers;  // DebugAccess
  // Null: a debugger sees what the guest does.
  const MmioHandler* debug_handler(const MemoryRegion& region) const {
    const auto found = debug_handlers.find(&region);
    return found != debug_handlers.end() ? &found->second : nullptr;
  }
  bool marked = false;  // a change is waiting for the end of a batch
};

}  // namespace backplane
