// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/x86/system.h"

namespace backplane::x86 {

// RFLAGS after an IRET that popped `value`, under the privilege level before it.
// [SDM 2A "IRET/IRETD/IRETQ"]
u64 flags_after_return(const X86State& s, u64 value, unsigned operand_size);

}  // namespace backplane::x86
