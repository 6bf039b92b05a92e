// SPDX-License-Identifier: MIT
// Between X86State and the platform's registers. [WHP "Virtual Processor Register Names and
// Values"]
#pragma once

#include <vector>

#include "api/registers.h"
#include "backplane/x86/state.h"

namespace backplane::whpx {

// The registers that make up the state: those that every platform has, and those to be asked for.
std::vector<WHV_REGISTER_NAME> state_registers();
std::vector<WHV_REGISTER_NAME> optional_state_registers(bool has_xsave);

// One register of the state. Of the vector registers the platform shows the lower 128 bits: the
// upper halves of the state stay as they are.
void from_platform(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& from, x86::X86State& to);
WHV_REGISTER_VALUE to_platform(WHV_REGISTER_NAME name, const x86::X86State& from);

}  // namespace backplane::whpx
