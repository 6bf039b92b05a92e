// SPDX-License-Identifier: MIT
// Where a program goes behind an instruction: bytes that no program of ring 3 would get past are
// data.
#pragma once

#include <span>

#include "backplane/types.h"

namespace backplane::native {

enum class Flow {
  GoesOn,  // also where a jump may be taken
  Leaves,  // to elsewhere, and what is behind may be anything
  Faults   // or does what no program does
};

// Of an instruction of 64-bit code, as long as instruction_length() says.
Flow flow_of(std::span<const u8> instruction);

bool is_prefix(u8 byte);

}  // namespace backplane::native
