// SPDX-License-Identifier: MIT
#include "boot/prepare_memory.h"

#include <sys/mman.h>

#include <cstdint>

#include "backplane/memory.h"

namespace backplane::pc {

// Half of what page faults cost. Kernels that cannot do so leave it to them.
void prepare_memory(u8* start, u64 size) {
  const auto first = reinterpret_cast<std::uintptr_t>(start) & kPageMask;
  const auto last = reinterpret_cast<std::uintptr_t>(start) + size;
  madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE);
}

}  // namespace backplane::pc
