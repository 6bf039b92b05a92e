// SPDX-License-Identifier: MIT
// Keeps the views of all address spaces in step with the trees of regions.
#pragma once

#include <vector>

#include "backplane/memory.h"

namespace backplane {

// What is known of every address space of the program. Machine lock.
class MemoryTopology {
 public:
  static void add_space(AddressSpace& space);
  static void remove_space(AddressSpace& space);

  // A region, or its place, has changed: every address space that shows it gets a new view, now or
  // when the outermost batch ends.
  static void changed(MemoryRegion& region);
  // The same, now, also inside a batch: the region is about to disappear.
  static void changed_now(MemoryRegion& region);

  static void begin_batch();
  static void end_batch();

 private:
  static void mark(MemoryRegion& region);
  static void rebuild_marked();
  static void rebuild(AddressSpace& space);
  static void rebuild_view(AddressSpace& space);
  static void place_eventfds(AddressSpace& space);
};

}  // namespace backplane
