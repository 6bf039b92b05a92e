// SPDX-License-Identifier: MIT
// Memory that a device has of its own.
#pragma once

#include <memory>
#include <vector>

#include "backplane/memory.h"

namespace backplane {

// An object whose memory the guest changes, and that may decode nowhere at the moment: it is saved
// and migrated as RAM is. Machine lock.
class DeviceMemory {
 public:
  // The same blocks from realize() on; their names are no other's.
  virtual std::vector<std::shared_ptr<RamBlock>> device_memory() const = 0;

 protected:
  ~DeviceMemory() = default;
};

}  // namespace backplane
