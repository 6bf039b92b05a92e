// SPDX-License-Identifier: MIT
// The memory that a CPU's state lives in: guard page, host stack, state, scratch.
#pragma once

#include "backplane/x86/cpu.h"

namespace backplane::x86 {

// Throws Error if the host has no memory. The state is default-constructed.
X86State* map_state();
void unmap_state(X86State* state);

}  // namespace backplane::x86
