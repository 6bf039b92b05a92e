// SPDX-License-Identifier: MIT
// Guest addresses as operands name them.
#pragma once

#include "translate/exits.h"

namespace backplane::tcg {

// The sum of a key's registers and a displacement. Leaves the flags alone; T1 may be lost.
// `low_half`: zero-extended from 32 bits.
void emit_key_address(Assembler& a, u8 to, const AddressKey& key, i32 displacement, bool low_half);

// The offset in the segment of any operand in memory, as emit_key_address().
void emit_operand_offset(Assembler& a, u8 to, const Insn& insn);

// Adds a segment's base to the offset in T0, of `size` bytes; beyond its limit the interpreter goes
// on. The flags are lost.
void emit_segment(Translation& t, Exits& exits, unsigned number, unsigned size);

}  // namespace backplane::tcg
