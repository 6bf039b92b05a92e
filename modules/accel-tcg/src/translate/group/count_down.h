// SPDX-License-Identifier: MIT
// What LOOP and the repetition prefixes have in common.
#pragma once

#include "translate/emitter.h"

namespace backplane::tcg {

// Takes one from rCX, as wide as the instruction's addresses. Leaves the flags alone; T0 may be
// lost.
void emit_count_down(Emitter& e, const Insn& insn);

}  // namespace backplane::tcg
