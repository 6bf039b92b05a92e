// SPDX-License-Identifier: MIT
// Which key of a keyboard has a symbol of the X Window System on it.
#pragma once

#include "backplane/input.h"
#include "layouts.h"

namespace backplane::vnc {

// 0: none. Symbols that Shift or AltGr give are those of the same key.
KeyCode key_of_symbol(u32 symbol, Layout layout);

}  // namespace backplane::vnc
