// SPDX-License-Identifier: MIT
#include "translate/emitter.h"

#include "translate/block_entry.h"
#include "translate/guest_state.h"

namespace backplane::tcg {

void Emitter::begin_block() {
  pointers_.forget_all();
  flags.begin();
  x87_page_noted = false;
  behind_entry = emit_entry(block, exits);
}

void Emitter::end_of_insn(const Insn& i) {
  const RegisterEffects effects = register_effects(i);
  pointers_.apply(effects);
  flags.end_of_insn(i, effects);
}

u8 Emitter::use(unsigned guest) {
  const u8 home = host_register(guest);
  if (home != kSpilled) return home;
  load_guest(a, kT1, guest);
  return kT1;
}

void Emitter::use_in(u8 reg, unsigned guest) { move_guest(a, reg, guest); }

u8 Emitter::scratch(u8 reg) {
  if (reg != kT1) pointers_.forget(reg);
  return reg;
}

u8 Emitter::target(unsigned guest) {
  const u8 home = host_register(guest);
  return home != kSpilled ? home : kT1;
}

void Emitter::define(unsigned guest, u8 reg) {
  const u8 home = host_register(guest);
  if (home == kSpilled)
    store_guest(a, guest, reg);
  else if (home != reg)
    a.mov(Assembler::r64(home), Assembler::r64(reg));
}

void Emitter::define_low(unsigned guest, u8 reg, unsigned size) {
  const u8 home = host_register(guest);
  if (home == kSpilled)
    a.mov(a.field_of(guest, size), Assembler::sized(reg, size));
  else
    a.mov(Assembler::sized(home, size), Assembler::sized(reg, size));
}

}  // namespace backplane::tcg
