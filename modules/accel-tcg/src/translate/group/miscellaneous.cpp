// SPDX-License-Identifier: MIT
// Miscellaneous. [SDM 1 "Miscellaneous Instructions"]
#include "translate/group/instructions.h"

namespace backplane::tcg {

void emit_nop(Emitter&, const ScannedInsn&) {}

void emit_lea(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  const unsigned size = i.operand_size();
  const AddressKey key = operand_key(i);
  // The destination must not be lost while a base is brought into it.
  const bool clash =
      key.base != AddressKey::kNone && key.index == i.reg && host_register(key.base) == kSpilled;
  const u8 home = host_register(i.reg);
  const bool straight = home != kSpilled && size != 2 && !clash && i.address_bits != 16;
  const u8 to = straight ? home : e.scratch(kT0);
  const bool low_half = size == 4 || i.address_bits != 64;
  emit_key_address(e.a, to, key, operand_displacement(i), low_half);
  if (i.address_bits == 16) e.a.movzx(Assembler::r32(to), Assembler::r16(to));
  if (size == 2)
    e.define_low(i.reg, to, 2);
  else
    e.define(i.reg, to);
}

}  // namespace backplane::tcg
