// SPDX-License-Identifier: MIT
#include "launch/core_dump.h"

#include <sys/mman.h>

#include "backplane/machine.h"

namespace backplane::host {

void leave_ram_out_of_core_dumps(Machine& machine) {
  for (const FlatRange& range : machine.memory().view()->ranges())
    if (range.block != nullptr) madvise(range.block->host(), range.block->size(), MADV_DONTDUMP);
}

}  // namespace backplane::host
