// SPDX-License-Identifier: MIT
// Bit and byte instructions. [SDM 1 "Bit and Byte Instructions"]
#include "translate/as_itself.h"
#include "translate/group/instructions.h"

namespace backplane::tcg {

// BT and its kin with a register offset: the bit may lie anywhere around the operand. [SDM 2A
// "BT-Bit Test"]
void emit_bit_string(Emitter& e, const ScannedInsn& s) {
  Assembler& a = e.a;
  const Insn& i = s.insn;
  const unsigned size = i.w ? 8 : 4;
  const bool write = (i.row.operands & kMemWrite) != 0;
  e.flags.before_clobber();
  e.operands.address(size);
  e.use_in(kT1, i.reg);
  if (!i.w) a.movsxd(a.t1, a.t1d);
  a.sar(a.t1, i.w ? 6 : 5);
  a.lea(Assembler::sized(kT0, i.code_bits == 64 ? 8 : 4),
        a.ptr[a.t0 + a.t1 * static_cast<int>(size)]);
  e.operands.check(size, write, Operands::Comes::Later);
  e.use_in(e.scratch(kT2), i.reg);
  a.and_(a.t2d, i.w ? 63 : 31);
  e.flags.prepare();
  a.encode(encoding_of(i), kT2, RmOperand::at(kT0), 0, false);
  e.flags.written(i.row);
}

}  // namespace backplane::tcg
