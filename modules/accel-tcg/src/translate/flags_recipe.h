// SPDX-License-Identifier: MIT
// How to make the arithmetic flags again that an instruction left, from what it left in registers.
// [docs/translator.md "Flags"]
#pragma once

#include "translate/register_effects.h"

namespace backplane::tcg {

struct FlagsRecipe {
  enum class Kind : u8 {
    None,
    Compare,     // CMP of left with right
    Test,        // TEST of left with right
    Sum,         // left is what right was added to
    Difference,  // left is what right was subtracted from
    Negation,    // left is what was negated
    Zero,        // XOR or SUB of a register with itself
  };
  static constexpr u8 kImmediate = 0xff;

  Kind kind = Kind::None;
  u8 size = 0;  // bytes
  u8 left = 0;  // general registers of the guest
  u8 right = kImmediate;
  i32 immediate = 0;

  explicit operator bool() const { return kind != Kind::None; }
  // True if it still holds behind an instruction that has these effects.
  bool outlasts(const RegisterEffects& effects) const;
};

// Of the flags that an instruction leaves; none if they cannot be made again, or not all of them.
FlagsRecipe flags_recipe(const Insn& insn);

}  // namespace backplane::tcg
