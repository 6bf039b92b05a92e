// SPDX-License-Identifier: MIT
// The four address breakpoints of DR0 to DR3. [SDM 3B "Debug Registers"]
#pragma once

#include "backplane/x86/state.h"

namespace backplane::x86::interpreter {

// The R/W field of a breakpoint: what it is about.
enum class BreakOn : u8 { Execution = 0, Write = 1, Port = 2, Access = 3 };

// Bits of DR6 for the enabled breakpoints of a kind that overlap [address, address + size).
u64 breakpoint_hits(const X86State& state, BreakOn kind, u64 address, unsigned size);

inline bool breakpoints_enabled(const X86State& state) { return (state.dr[7] & 0xff) != 0; }

}  // namespace backplane::x86::interpreter
