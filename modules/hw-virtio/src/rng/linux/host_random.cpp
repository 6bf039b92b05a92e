// SPDX-License-Identifier: MIT
#include "rng/host_random.h"

#include <sys/random.h>

namespace backplane {

u64 host_random(u8* bytes, u64 size) {
  const ssize_t got = getrandom(bytes, size, 0);
  return got < 0 ? 0 : static_cast<u64>(got);
}

}  // namespace backplane
