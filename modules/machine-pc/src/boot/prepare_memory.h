// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/types.h"

namespace backplane::pc {

// Has the host map pages that are about to be filled, where it can do so for less than page by
// page.
void prepare_memory(u8* start, u64 size);

}  // namespace backplane::pc
