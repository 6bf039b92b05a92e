// SPDX-License-Identifier: MIT
// Where a program goes behind an instruction, and whether programs have such: bytes that are full
// of others are data.
#pragma once

#include <span>

#include "backplane/types.h"

namespace backplane::native {

struct Flow {
  enum Kind {
    GoesOn,
    MayJump,  // by `distance` from its end, or goes on
    Leaves,   // to elsewhere, and what is behind may be anything
    Odd       // or faults, or does nothing that a program would want
  } kind = GoesOn;
  i32 distance = 0;
};

// Of an instruction of 64-bit code, as long as instruction_length() says.
Flow flow_of(std::span<const u8> instruction);

bool is_prefix(u8 byte);

}  // namespace backplane::native
