// SPDX-License-Identifier: MIT
// Re-encodes a vector or floating-point instruction for the host: memory operands become [RSI],
// general registers become RAX, everything else stays as the guest has it.
#pragma once

#include <Zydis/Zydis.h>

#include <vector>

#include "backplane/types.h"

namespace backplane::x86::interpreter {

std::vector<u8> rewrite_for_host(bool long_mode, const ZydisDecodedInstruction& z,
                                 const ZydisDecodedOperand* operands, const u8* bytes);

// The general register that rewriting replaces: the operand's index, or -1.
int replaced_general_operand(const ZydisDecodedInstruction& z, const ZydisDecodedOperand* operands);

}  // namespace backplane::x86::interpreter
