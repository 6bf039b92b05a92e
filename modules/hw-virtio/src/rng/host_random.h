// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/types.h"

namespace backplane {

// Fills the buffer with random bytes from the host's own generator, which is fit for keys. Returns
// how many it gave: all, at least for up to 256; 0 if it has none.
u64 host_random(u8* bytes, u64 size);

}  // namespace backplane
