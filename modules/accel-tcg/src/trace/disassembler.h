// SPDX-License-Identifier: MIT
// Machine code as text.
#pragma once

#include <span>
#include <string>

#include "backplane/types.h"

namespace backplane::tcg {

struct Disassembled {
  unsigned length = 0;  // bytes; 1 where they are no instruction
  std::string text;     // in Intel's syntax: "mov eax, [rcx+0x10]", or "(bad)"
};

// The first instruction of `bytes`, which lie at `address`, in 16-, 32- or 64-bit code. `bytes` is
// not empty. Any thread.
Disassembled disassemble(std::span<const u8> bytes, u64 address, unsigned code_bits);

// Its line, ended by a newline: address, bytes, text.
std::string line_of(std::span<const u8> bytes, u64 address, unsigned code_bits);

// The lines of all instructions.
std::string listing(std::span<const u8> bytes, u64 address, unsigned code_bits);

}  // namespace backplane::tcg
