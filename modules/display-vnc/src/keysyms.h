// SPDX-License-Identifier: MIT
// Which key of an en-us keyboard has a symbol of the X Window System on it.
#pragma once

#include "backplane/input.h"

namespace backplane::vnc {

// 0: none. Symbols that Shift gives are those of the same key.
KeyCode key_of_symbol(u32 symbol);

}  // namespace backplane::vnc
