// SPDX-License-Identifier: MIT
// What a PC keyboard sends when a key is pressed or released, in its three scan code sets.
// [PS/2 "Scan Code Sets"]
#pragma once

#include <vector>

#include "backplane/input.h"
#include "backplane/types.h"

namespace backplane::pc {

// Empty for a key that the set does not have, and where its release says nothing. With Alt held,
// Print is SysRq.
std::vector<u8> scan_code(u8 set, KeyCode key, bool down, bool with_alt);

// A byte of set 2 as the controller translates it to set 1; the prefix F0h is the caller's.
u8 translated(u8 byte);

}  // namespace backplane::pc
