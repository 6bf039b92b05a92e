// SPDX-License-Identifier: MIT
// The forms of MOV that do more than move.
#pragma once

#include "instruction.h"

namespace backplane::x86::interpreter {

void move_to_segment(Execution& x, const Instruction& i);
void move_control(Execution& x, const Instruction& i);
void move_debug(Execution& x, const Instruction& i);

}  // namespace backplane::x86::interpreter
