// SPDX-License-Identifier: MIT
// Which instruction sets a guest CPU offers.
#pragma once

#include <Zydis/Zydis.h>

#include "backplane/x86/cpu.h"

namespace backplane::x86::interpreter {

// False: the instruction does not exist on this CPU, so it is #UD.
bool is_offered(const X86Cpu::Features& features, const ZydisDecodedInstruction& instruction);

}  // namespace backplane::x86::interpreter
