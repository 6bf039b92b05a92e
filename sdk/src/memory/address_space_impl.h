// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "backplane/memory.h"

namespace backplane {

struct AddressSpace::Impl {
  struct EventFd {
    u64 address;
    unsigned size;
    bool match;
    u64 value;
    int fd;
    bool operator==(const EventFd&) const = default;
  };

  u64 identity = 0;  // never used twice: tells the views of a gone address space from ours
  std::atomic<std::shared_ptr<const FlatView>> view;
  std::vector<MemoryListener*> listeners;
  std::vector<EventFd> eventfds;
  bool marked = false;  // a change is waiting for the end of a batch
};

}  // namespace backplane
