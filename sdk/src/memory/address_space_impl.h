// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
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
  std::vector<PlacedEventfd> eventfds;  // those that the view shows
  bool marked = false;                  // a change is waiting for the end of a batch
};

}  // namespace backplane
