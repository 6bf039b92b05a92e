// SPDX-License-Identifier: MIT
// One access to a device by a handler that need not be its region's.
#pragma once

#include "backplane/memory.h"

namespace backplane {

MemResult mmio_read_by(const MmioHandler& handler, const FlatRange& range, u64 address, u64& value,
                       unsigned size);
MemResult mmio_write_by(const MmioHandler& handler, const FlatRange& range, u64 address, u64 value,
                        unsigned size);

}  // namespace backplane
