// SPDX-License-Identifier: MIT
// What an instruction may do, as far as it decides which block it is in and what is live at it.
#pragma once

#include "cache/block.h"
#include "decode/insn.h"

namespace backplane::tcg {

// Drops the segment of a memory operand if its base is known to be 0. False: the operand, or the
// stack, is in a segment that cannot be translated.
bool resolve_segment(Insn& insn, Mode mode);
// True if either the target or the next instruction follows.
bool may_jump(const Insn& insn);
// True if an exception, or an interrupt, may come while the instruction is executed: what is there
// before it can be seen.
bool may_show_flags(const Insn& insn);
// True if it writes to its operand in memory, and need not do so at once where that is in two
// pages.
bool may_be_split(const Insn& insn);
// True if the instruction may fault on the host's processor, beside its access to memory.
bool may_fault_natively(const Insn& insn);
// True if nothing after this instruction belongs to the same block.
bool ends_block(const Insn& insn);
// True if the instruction can run as translated code in this mode.
bool translatable(const Insn& insn, Mode mode);

}  // namespace backplane::tcg
