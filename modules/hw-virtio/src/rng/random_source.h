// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/backend.h"

namespace backplane {

// Where the random bytes of a device come from.
class RandomSource : public Backend {
  BACKPLANE_OBJECT(RandomSource, Backend, "rng-backend")
 public:
  static void class_init(ObjectClass&) {}

  // Fills the buffer. Returns how many bytes there were; 0 if none. Does not wait. Machine lock.
  virtual u64 fill(u8* bytes, u64 size) = 0;
};

}  // namespace backplane
