// SPDX-License-Identifier: MIT
// Which guest registers an instruction changes: what a known distance between two addresses
// depends on.
#pragma once

#include "decode/insn.h"

namespace backplane::tcg {

struct RegisterEffects {
  u16 written = 0;  // bit n: general register n gets a value not known here
  // A register that moves by a constant (of the width that addresses have), if shift is not 0. Not
  // in `written`.
  u8 shifted = 0;
  i32 shift = 0;
};

// Of an instruction that does not end its block. Errs on the side of more.
RegisterEffects register_effects(const Insn& insn);

}  // namespace backplane::tcg
