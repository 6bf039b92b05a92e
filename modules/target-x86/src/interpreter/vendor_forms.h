// SPDX-License-Identifier: MIT
// Forms that processors of one vendor have and those of another do not.
#pragma once

#include <Zydis/Zydis.h>

#include "backplane/x86/vendor.h"

namespace backplane::x86::interpreter {

// False if the form is an invalid opcode on a processor of that vendor.
bool is_valid_on(Vendor vendor, const ZydisDecodedInstruction& instruction);

}  // namespace backplane::x86::interpreter
