// SPDX-License-Identifier: MIT
// The architectural state after power-on and after INIT.
#pragma once

#include "backplane/x86/state.h"

namespace backplane::x86 {

// [SDM 3A "Processor State After Reset"]. `signature` is EDX: family, model and stepping.
void reset_state(X86State& state, u32 signature);
// INIT keeps x87, SSE and AVX registers, most MSRs and the caches' control bits.
void init_state(X86State& state, u32 signature);
// The state of a CPU that received a start-up IPI. [SDM 3A "Startup IPI"]
void startup_state(X86State& state, u8 vector);

}  // namespace backplane::x86
