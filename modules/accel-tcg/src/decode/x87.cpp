// SPDX-License-Identifier: MIT
#include "decode/insn.h"

namespace backplane::tcg {

X87Effect x87_effect(const Insn& i) {
  if (i.row.unit != Unit::X87 || i.opcode == 0x9b) return X87Effect::None;
  const unsigned group = i.reg & 7;
  if (i.memory) {
    const bool control_word = i.opcode == 0xd9 && (group == 5 || group == 7);
    const bool status_word = i.opcode == 0xdd && group == 7;
    return control_word || status_word ? X87Effect::None : X87Effect::Sets;
  }
  if (i.opcode == 0xdb && group == 4) return (i.rm & 7) == 3 ? X87Effect::Clears : X87Effect::None;
  return i.opcode == 0xdf && group == 4 ? X87Effect::None : X87Effect::Sets;
}

bool may_end_x87_exception(const Insn& i) {
  if (i.row.unit != Unit::X87) return false;
  const unsigned group = i.reg & 7;
  return i.memory ? i.opcode == 0xd9 && group == 5 : i.opcode == 0xdb && group == 4;
}

u16 x87_opcode(const Insn& i) {
  const unsigned modrm = static_cast<unsigned>(i.mod) << 6 | (i.reg & 7u) << 3 | (i.rm & 7u);
  return static_cast<u16>((i.opcode & 7u) << 8 | modrm);
}

}  // namespace backplane::tcg
