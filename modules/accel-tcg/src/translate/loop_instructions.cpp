// SPDX-License-Identifier: MIT
// LOOP, LOOPE, LOOPNE and JRCXZ, which leave the flags alone.
#include <optional>

#include "translate/translator.h"

namespace backplane::tcg {
namespace {

constexpr u8 kLoopne = 0xe0, kLoope = 0xe1, kJrcxz = 0xe3;
constexpr u8 kZero = 4, kNotZero = 5;  // conditions

// The condition by which LOOPE and LOOPNE do not jump.
std::optional<u8> refusal(const Insn& i) {
  if (i.opcode == kLoopne) return kZero;
  if (i.opcode == kLoope) return kNotZero;
  return std::nullopt;
}

}  // namespace

void Translator::emit_loop(const ScannedInsn& s) {
  const Insn& i = s.insn;
  if (i.row.flags_read != 0)
    flags_into_host();
  else if (!flags_in_host_)
    flags_to_memory(s.flags_live_after);
  // The host has no jump that looks at CX.
  const bool clobber = i.address_bits == 16 || s.flags_live_after == 0;
  const u32 taken = clobber ? emit_loop_losing_flags(s) : emit_loop_keeping_flags(i);
  emit_side_exit(taken, i64{i.offset} + i.length + i.immediate);
}

u32 Translator::emit_loop_losing_flags(const ScannedInsn& s) {
  const Insn& i = s.insn;
  const Xbyak::Reg counter = Assembler::sized(1, i.address_bits / 8u);
  flags_to_memory(s.flags_live_after);
  if (i.opcode != kJrcxz) emit_count_down(i);
  std::optional<u32> past;
  if (const auto condition = refusal(i)) past = a_.jump_if_forward(*condition);
  a_.test(counter, counter);
  const u32 taken = a_.jump_if_forward(i.opcode == kJrcxz ? kZero : kNotZero);
  if (past) a_.bind(*past);
  flags_in_host_ = false;
  return taken;
}

// The host's own JRCXZ or JECXZ, which is short, beside a jump that reaches further.
u32 Translator::emit_loop_keeping_flags(const Insn& i) {
  const bool loops = i.opcode != kJrcxz;
  if (loops) emit_count_down(i);
  std::optional<u32> past;
  if (const auto condition = refusal(i)) past = a_.jump_if_forward(*condition);
  const auto short_jump = [this](u8 opcode) {
    a_.db(opcode);
    a_.db(0);
    return a_.here() - 1;
  };
  const auto bind_short = [this](u32 at) {
    a_.set_byte(at, static_cast<u8>(a_.here() - (at + 1)));
  };
  if (i.address_bits == 32) a_.db(0x67);
  const u32 if_zero = short_jump(0xe3);
  u32 around = if_zero;
  if (!loops) {
    around = short_jump(0xeb);
    bind_short(if_zero);
  }
  const u32 taken = a_.jump_forward();
  bind_short(around);
  if (past) a_.bind(*past);
  return taken;
}

// Leaves the flags alone; T0 may be lost.
void Translator::emit_count_down(const Insn& i) {
  if (i.address_bits == 64) {
    a_.lea(a_.rcx, a_.ptr[a_.rcx - 1]);
  } else if (i.address_bits == 32) {
    a_.lea(a_.ecx, a_.ptr[a_.rcx - 1]);
  } else {
    pointers_.forget(kT0);
    a_.lea(a_.r10d, a_.ptr[a_.rcx - 1]);
    a_.mov(a_.cx, a_.r10w);
  }
}

}  // namespace backplane::tcg
