// SPDX-License-Identifier: MIT
// What does not run as itself of AVX. [SDM 1 "Intel Advanced Vector Extensions (Intel AVX)"]
#include "translate/group/instructions.h"

namespace backplane::tcg {

// VZEROUPPER and VZEROALL of code with eight vector registers: the host's own would clear the
// others too, which only 64-bit code has.
void emit_zero_vectors(Emitter& e, const ScannedInsn& s) {
  constexpr u8 kRegisters = 8;
  for (u8 n = 0; n < kRegisters; ++n) {
    const auto x = Assembler::vector(n);
    if (s.insn.vex_l != 0)
      e.a.vpxor(x, x, x);
    else
      e.a.vmovaps(x, x);
  }
}

}  // namespace backplane::tcg
