// SPDX-License-Identifier: MIT
#include "translate/addresses.h"

#include "translate/guest_state.h"

namespace backplane::tcg {

void emit_key_address(Assembler& a, u8 to, const AddressKey& key, i32 displacement, bool low_half) {
  const HostRegister whole = Assembler::sized(to, 8), half = Assembler::sized(to, 4);
  const bool has_base = key.base != AddressKey::kNone;
  const bool has_index = key.index != AddressKey::kNone;
  if (key.base == AddressKey::kPage) {
    emit_page_relative(a, to, displacement);
    if (low_half) a.mov(half, half);
    return;
  }
  if (!has_base && !has_index) {
    if (low_half)
      a.mov(half, static_cast<u32>(displacement));
    else
      a.mov(whole, static_cast<i64>(displacement));
    return;
  }
  u8 base = kSpilled, index = kSpilled;
  if (has_base) {
    base = host_register(key.base);
    if (base == kSpilled) load_guest(a, base = to, key.base);
  }
  if (has_index) {
    index = host_register(key.index);
    if (index == kSpilled) load_guest(a, index = kT1, key.index);
  }
  if (!has_index && displacement == 0) {
    if (low_half)
      a.mov(half, Assembler::r32(base));
    else if (base != to)
      a.mov(whole, Assembler::r64(base));
    return;
  }
  HostAddress sum;
  if (has_base) sum = sum + Assembler::r64(base);
  if (has_index) sum = sum + Assembler::r64(index) * (1 << key.scale);
  a.lea(low_half ? half : whole, a.ptr[sum + displacement]);
}

void emit_operand_offset(Assembler& a, u8 to, const Insn& i) {
  emit_key_address(a, to, operand_key(i), operand_displacement(i), i.address_bits != 64);
  if (i.address_bits == 16) a.movzx(Assembler::r32(to), Assembler::r16(to));
}

void emit_segment(Translation& t, Exits& exits, unsigned number, unsigned size) {
  Assembler& a = t.a;
  if (t.mode.code64()) {
    a.add(a.t0, segment_base(a, number));
    return;
  }
  const SegmentKind kind = t.mode.segment(number);
  if (kind == SegmentKind::Small) {
    a.cmp(a.t0d, 0x10000 - size);
    exits.interpret_if(a.jump_if_forward(kAbove));
  }
  if (kind != SegmentKind::Flat) a.add(a.t0d, segment_base(a, number));
}

}  // namespace backplane::tcg
