// SPDX-License-Identifier: MIT
// Conditions of a jump, as the low four bits of Jcc's opcode have them. [SDM 2A "Jcc-Jump if
// Condition Is Met"]
#pragma once

#include "backplane/types.h"

namespace backplane::tcg {

enum Condition : u8 {
  kOverflow,
  kNotOverflow,
  kBelow,
  kNotBelow,
  kZero,
  kNotZero,
  kNotAbove,
  kAbove,
  kNegative,
  kNotNegative,
  kParity,
  kNotParity,
  kLess,
  kNotLess,
  kNotGreater,
  kGreater,
};
// Of what CMP compared.
constexpr Condition kEqual = kZero, kNotEqual = kNotZero;

}  // namespace backplane::tcg
