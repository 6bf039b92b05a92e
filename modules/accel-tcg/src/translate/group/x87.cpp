// SPDX-License-Identifier: MIT
// The x87 FPU. [SDM 1 "x87 FPU Instructions"; docs/translator.md "The x87's pointers"]
#include "translate/as_itself.h"
#include "translate/group/instructions.h"

namespace backplane::tcg {
namespace {

bool is_spilled(u8 number) { return number < 16 && host_register(number) == kSpilled; }

void clear_pointers(Emitter& e) {
  Assembler& a = e.a;
  a.mov(a.field(BACKPLANE_JIT_OFFSET(x87_page)), 0);
  a.mov(a.field(BACKPLANE_JIT_OFFSET(x87_operand)), 0);
  a.mov(a.field32(BACKPLANE_JIT_OFFSET(x87_place)), 0);
  e.x87_page_noted = false;
}

// Leaves the flags alone.
void set_pointers(Emitter& e, const Insn& i) {
  Assembler& a = e.a;
  if (!e.x87_page_noted) {
    a.mov(a.t1, a.field(BACKPLANE_JIT_OFFSET(page_base)));
    a.mov(a.field(BACKPLANE_JIT_OFFSET(x87_page)), a.t1);
    e.x87_page_noted = true;
  }
  a.mov(a.field32(BACKPLANE_JIT_OFFSET(x87_place)), X87Place::make(i.offset, x87_opcode(i)));
  if (!i.memory) return;
  const AddressKey key = operand_key(i);
  // Two registers have to be fetched if neither is in one of the host's.
  const u8 to = e.scratch(is_spilled(key.base) && is_spilled(key.index) ? kT0 : kT1);
  emit_operand_offset(a, to, i);
  a.mov(a.field(BACKPLANE_JIT_OFFSET(x87_operand)), Assembler::r64(to));
}

}  // namespace

// The pointers are noted behind it: an exception that it left pending is raised by a later one,
// which is not what they tell.
void emit_x87(Emitter& e, const ScannedInsn& s) {
  emit_as_itself(e, s);
  switch (x87_effect(s.insn)) {
    case X87Effect::None:
      return;
    case X87Effect::Sets:
      return set_pointers(e, s.insn);
    case X87Effect::Clears:
      return clear_pointers(e);
  }
}

}  // namespace backplane::tcg
