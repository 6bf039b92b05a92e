// SPDX-License-Identifier: MIT
// Memory type range registers: kept, and without effect on an emulator's memory.
// [SDM 3A "Memory Type Range Registers (MTRRs)"]
#pragma once

#include "backplane/x86/state.h"

namespace backplane::x86 {

constexpr u32 kMsrMtrrCap = 0xfe;

// The register that an MSR index names, or null if it is none of the MTRRs.
u64* mtrr_register(X86State& s, u32 index);
// Whether a value may be written to it.
bool valid_mtrr_value(const X86State& s, u32 index, u64 value);
// Eight variable ranges, fixed ranges, write-combining.
constexpr u64 kMtrrCapValue = 8 | (1u << 8) | (1u << 10);

}  // namespace backplane::x86
