// SPDX-License-Identifier: MIT
// How long instructions are, and nothing else of them: scanning a program's code decodes hundreds
// of thousands.
#pragma once

#include <span>

#include "backplane/types.h"

namespace backplane::native {

// Of the instruction of 64-bit code that the bytes begin with; 0 if they begin with none, or do not
// have all of it. Where no processor has an opcode that is as good as any other answer.
unsigned instruction_length(std::span<const u8> code);

}  // namespace backplane::native
