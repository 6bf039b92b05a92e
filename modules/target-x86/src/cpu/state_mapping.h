// SPDX-License-Identifier: MIT
// The memory that a CPU's state lives in: guard page, host stack, state, scratch.
#pragma once

#include "backplane/x86/cpu.h"

namespace backplane::x86 {

inline constexpr std::size_t kGuardSize = 4096;
inline constexpr std::size_t kBelowState = kGuardSize + X86Cpu::kStackBelow;
inline constexpr std::size_t kMappedSize =
    kBelowState + X86Cpu::kScratchOffset + X86Cpu::kScratchAbove;
static_assert(kBelowState % 4096 == 0 && kMappedSize % 4096 == 0);

// Throws Error if the host has no memory. The state is default-constructed.
X86State* map_state();
void unmap_state(X86State* state);

}  // namespace backplane::x86
