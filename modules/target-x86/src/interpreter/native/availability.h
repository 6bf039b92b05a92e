// SPDX-License-Identifier: MIT
// When x87, MMX, SSE and AVX instructions may run. [SDM 3A "System Programming for Instruction
// Set Extensions and Processor Extended States"]
#pragma once

#include "../execution.h"
#include "fpu_image.h"

namespace backplane::x86::interpreter {

inline void require_x87(const Execution& x) {
  if ((x.state.cr0 & (kCr0EM | kCr0TS)) != 0) raise_fault(kNM);
}

inline bool x87_exception_waits(const X86State& state) {
  const FpuImage image(const_cast<X86State&>(state));
  return (image.in_use() & kComponentX87) != 0 && image.x87_exception_pending();
}

// The exception of an earlier x87 instruction is reported by the next one that waits: as #MF, or to
// the board, in which case the CPU stands still before the instruction until an interrupt comes.
// [SDM 1 "MS-DOS Compatibility Sub-mode"]
inline void require_no_x87_exception(const Execution& x) {
  if (!x87_exception_waits(x.state)) return;
  if ((x.state.cr0 & kCr0NE) != 0) raise_fault(kMF);
  if (x.cpu.ignne()) return;
  x.cpu.set_ferr(true);
  throw StandsStill{};
}

inline void require_mmx(const Execution& x) {
  if ((x.state.cr0 & kCr0EM) != 0) raise_fault(kUD);
  if ((x.state.cr0 & kCr0TS) != 0) raise_fault(kNM);
  require_no_x87_exception(x);
}

inline void require_sse(const Execution& x) {
  if ((x.state.cr0 & kCr0EM) != 0 || (x.state.cr4 & kCr4OSFXSR) == 0) raise_fault(kUD);
  if ((x.state.cr0 & kCr0TS) != 0) raise_fault(kNM);
}

inline void require_avx(const Execution& x) {
  constexpr u64 kSseAndAvx = kComponentSse | kComponentAvx;
  if ((x.state.cr4 & kCr4OSXSAVE) == 0 || (x.state.xcr0 & kSseAndAvx) != kSseAndAvx ||
      !x.state.protected_mode())
    raise_fault(kUD);
  if ((x.state.cr0 & kCr0TS) != 0) raise_fault(kNM);
}

inline void require_alignment(u64 address, unsigned alignment) {
  if ((address & (alignment - 1)) != 0) raise_fault(kGP, 0);
}

}  // namespace backplane::x86::interpreter
