// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "backplane/types.h"

namespace backplane::img {

bool is_zero(std::span<const u8> data);

// A part of some data.
struct Stretch {
  u64 size = 0;
  bool zero = false;
};
// What data begins with: zeroes, `least` bytes or more of them, beginning and ending where a
// multiple of that does; or what lies before such.
Stretch first_stretch(std::span<const u8> data, u64 least);

}  // namespace backplane::img
