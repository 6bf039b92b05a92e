// SPDX-License-Identifier: MIT
// The registers that a debugger is shown, as a table. [GDB "i386 Features"]
#pragma once

#include <span>

#include "backplane/debug.h"
#include "backplane/x86/cpu.h"

namespace backplane::x86::debug {

struct Register {
  DebugRegister shown;
  unsigned index = 0;  // among those of its kind
  void (*read)(X86Cpu& cpu, unsigned index, std::span<u8> bytes);
  // False: it cannot have that value; nothing was changed. May raise a fault to say so.
  bool (*write)(X86Cpu& cpu, unsigned index, std::span<const u8> bytes);
};

// Where the next instruction is.
inline u64 linear_instruction(const X86State& s) {
  return s.code64() ? s.rip : static_cast<u32>(s.seg[CS].base + s.rip);
}

// Of a CPU with AVX, or without.
std::span<const DebugFeature> features(bool avx);
// In the order of those features. AVX is last.
std::span<const Register> registers();

}  // namespace backplane::x86::debug
