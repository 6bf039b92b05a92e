// SPDX-License-Identifier: MIT
// What a block does before its first instruction.
#pragma once

#include "translate/exits.h"

namespace backplane::tcg {

// Looks whether to leave, charges the block's instructions where they are counted, and checks what
// may have changed since the block was made. Returns where the first instruction begins.
u32 emit_entry(Translation& t, Exits& exits);

}  // namespace backplane::tcg
