// SPDX-License-Identifier: MIT
#include "translate/group/count_down.h"

namespace backplane::tcg {

void emit_count_down(Emitter& e, const Insn& i) {
  Assembler& a = e.a;
  if (i.address_bits != 16) {
    a.lea(Assembler::sized(x86::RCX, i.address_bits / 8u), a.ptr[a.rcx - 1]);
    return;
  }
  e.scratch(kT0);
  a.lea(a.t0d, a.ptr[a.rcx - 1]);
  a.mov(a.cx, a.t0w);
}

}  // namespace backplane::tcg
