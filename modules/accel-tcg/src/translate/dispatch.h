// SPDX-License-Identifier: MIT
#pragma once

#include "translate/emitter.h"

namespace backplane::tcg {

// Makes host code of an instruction, by the function for what its row of opcodes.inc says of how it
// runs.
void emit_insn(Emitter& e, const ScannedInsn& s);

}  // namespace backplane::tcg
