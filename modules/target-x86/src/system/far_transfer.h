// SPDX-License-Identifier: MIT
// What far jumps, calls, returns and IRET have in common.
#pragma once

#include "descriptor.h"

namespace backplane::x86 {

// The offset of a transfer into `code`, cut to the operand size: #GP(0) if it is beyond the
// segment's limit or not canonical.
u64 checked_offset(Context c, const Descriptor& code, u64 offset, unsigned operand_size);

// Loads CS, at privilege level `cpl`, and RIP. The descriptor was checked.
void enter_code(Context c, Descriptor code, u16 selector, unsigned cpl, u64 offset);

// The code segment that a far return or IRET goes back to: #GP or #NP if it may not.
Descriptor return_code_segment(Context c, u16 selector);

// The stack segment that goes with it, at an outer level or (64-bit IRET) the same.
Segment return_stack_segment(Context c, u16 selector, const Descriptor& code, unsigned cpl);

// Real and virtual-8086 mode.
void enter_real_code(Context c, u16 selector, u64 offset);

}  // namespace backplane::x86
