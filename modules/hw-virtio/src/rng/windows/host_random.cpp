// SPDX-License-Identifier: MIT
#include "rng/host_random.h"

#include <windows.h>

// Needs windows.h.
#include <bcrypt.h>

namespace backplane {

u64 host_random(u8* bytes, u64 size) {
  const bool filled = BCryptGenRandom(nullptr, bytes, static_cast<ULONG>(size),
                                      BCRYPT_USE_SYSTEM_PREFERRED_RNG) >= 0;
  return filled ? size : 0;
}

}  // namespace backplane
