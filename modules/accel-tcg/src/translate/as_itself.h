// SPDX-License-Identifier: MIT
// Instructions that the host's processor does as they are, with the host's registers for the
// guest's and a checked operand in memory.
#pragma once

#include "translate/emitter.h"

namespace backplane::tcg {

// What is encoded again of an instruction.
Encoding encoding_of(const Insn& insn);

// The operand that ModRM names, checked if it is in memory; live flags are kept in the host's if an
// instruction reads them.
RmOperand emit_operand(Emitter& e, const Insn& insn);
// The instruction, on that operand.
void emit_on_operand(Emitter& e, const Insn& insn, RmOperand operand);

}  // namespace backplane::tcg
