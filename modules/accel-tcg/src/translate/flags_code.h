// SPDX-License-Identifier: MIT
// Host code that moves the guest's arithmetic flags. T1 is lost by all of it.
#pragma once

#include "emit/assembler.h"
#include "translate/flags_recipe.h"

namespace backplane::tcg {

// From the host's flags into JitState::saved_flags, and back. The former leaves them alone.
void emit_save_flags(Assembler& a);
void emit_restore_flags(Assembler& a);
// LAHF and SETO, into a register of which the rest is undefined.
void emit_read_flags(Assembler& a, u8 to);
// Into the host's flags, from what the recipe's registers hold.
void emit_remake_flags(Assembler& a, const FlagsRecipe& recipe);
inline void emit_remake_and_save_flags(Assembler& a, const FlagsRecipe& recipe) {
  emit_remake_flags(a, recipe);
  emit_save_flags(a);
}

}  // namespace backplane::tcg
