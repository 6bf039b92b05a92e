// SPDX-License-Identifier: MIT
// What the x87 remembers of its last instruction that was not a control instruction.
// [SDM 1 "x87 FPU Instruction and Data (Operand) Pointers"]
#pragma once

#include <cstring>

#include "backplane/x86/state.h"
#include "backplane/x86/version.h"

namespace backplane::x86 {

// Offsets within their segments: the selectors are not kept, as CPUID says.
struct X87Pointers {
  u64 instruction = 0;
  u64 operand = 0;
  u16 opcode = 0;  // 11 bits

  static constexpr unsigned kOpcodeAt = 6, kInstructionAt = 8, kOperandAt = 16,
                            kHeaderAt = 512;  // in the image
  bool operator==(const X87Pointers&) const = default;
};

// Those in X86State::xsave.
inline X87Pointers x87_pointers(const X86State& state) {
  X87Pointers p;
  if ((state.xsave[X87Pointers::kHeaderAt] & 1) == 0) return p;  // the initial state
  std::memcpy(&p.opcode, state.xsave + X87Pointers::kOpcodeAt, sizeof p.opcode);
  std::memcpy(&p.instruction, state.xsave + X87Pointers::kInstructionAt, sizeof p.instruction);
  std::memcpy(&p.operand, state.xsave + X87Pointers::kOperandAt, sizeof p.operand);
  return p;
}

// The image holds x87 registers as XSAVE has left them: in their initial state too.
inline void set_x87_pointers(X86State& state, const X87Pointers& p) {
  std::memcpy(state.xsave + X87Pointers::kOpcodeAt, &p.opcode, sizeof p.opcode);
  std::memcpy(state.xsave + X87Pointers::kInstructionAt, &p.instruction, sizeof p.instruction);
  std::memcpy(state.xsave + X87Pointers::kOperandAt, &p.operand, sizeof p.operand);
  if (p != X87Pointers{}) state.xsave[X87Pointers::kHeaderAt] |= 1;
}

}  // namespace backplane::x86
