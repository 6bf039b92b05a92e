// SPDX-License-Identifier: MIT
// What a monitor says of itself. [EDID §3 "EDID Format Definition"]
#pragma once

#include <array>

#include "backplane/types.h"

namespace backplane::vga {

using Edid = std::array<u8, 128>;

// A monitor that likes this size best, in pixels up to 4095 each.
Edid make_edid(u32 width, u32 height);

}  // namespace backplane::vga
