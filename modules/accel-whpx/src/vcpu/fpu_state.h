// SPDX-License-Identifier: MIT
// x87 and SSE registers: between the XSAVE image of X86State and the platform's registers.
// [SDM 1 "XSAVE Area"]
#pragma once

#include "api/registers.h"
#include "backplane/x86/state.h"

namespace backplane::whpx {

// Names from Xmm0 to XmmControlStatus.
void fpu_from_platform(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& from, x86::X86State& to);
void fpu_to_platform(WHV_REGISTER_NAME name, const x86::X86State& from, WHV_REGISTER_VALUE& to);

}  // namespace backplane::whpx
