// SPDX-License-Identifier: MIT
#include "translate/translator.h"

#include "translate/dispatch.h"
#include "translate/insn_properties.h"

namespace backplane::tcg {

Block& Translator::translate(const GuestCode& code, const GuestBytes& bytes, Mode mode) {
  Emitter& e = emitter_;
  Translation& t = e.block;
  t.begin(code, bytes, mode);
  e.begin_block();
  u16 index = 0;
  for (const ScannedInsn& s : code.insns()) {
    t.go_to(s.insn.offset, index++);
    emit_insn(e, s);
    e.end_of_insn(s.insn);
  }
  t.index = index;  // what is emitted from here on is behind all of them
  const ScannedInsn& last = code.insns().back();
  if (!ends_block(last.insn) && last.insn.row.op != Op::Interpret) {
    e.flags.into_memory(last.flags_live_after);
    if (mode.split()) t.a.call_to(t.stubs.commit);
    e.exits.jump(code.end());
  }
  t.finish();
  return *t.block;
}

}  // namespace backplane::tcg
