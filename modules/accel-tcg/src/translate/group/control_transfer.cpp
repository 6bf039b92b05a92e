// SPDX-License-Identifier: MIT
// Control transfer. [SDM 1 "Control Transfer Instructions"]
#include <optional>

#include "translate/group/count_down.h"
#include "translate/group/instructions.h"
#include "translate/guest_state.h"

namespace backplane::tcg {
namespace {

i64 behind(const Insn& i) { return i64{i.offset} + i.length; }
i64 target_of(const Insn& i) { return behind(i) + i.immediate; }

// The flags are where a block's end needs them, and the host's are free.
void flags_to_boundary(Emitter& e, const ScannedInsn& s) {
  e.flags.into_memory(s.flags_live_before);
  e.flags.before_clobber();
}

void push_return_address(Emitter& e, const Insn& i) {
  const unsigned size = i.stack_operand_size();
  const RmOperand to = e.operands.checked_stack();
  emit_page_relative(e.a, kT1, behind(i));
  if (e.mode().has(Mode::kCodeBased)) e.a.sub(e.a.t1, e.a.field(BACKPLANE_JIT_OFFSET(code_base)));
  e.a.mov(e.a.at(to, size), Assembler::sized(kT1, size));
  move_stack_pointer(e.a, e.mode(), -static_cast<i32>(size));
}

// Where an indirect jump or call leads, of which the operand was checked, into a register.
void load_target(Emitter& e, const Insn& i, RmOperand from, u8 to) {
  const unsigned size = i.stack_operand_size();
  if (i.memory) {
    e.a.load(to, from, size);
  } else {
    e.use_in(to, i.rm);
    if (size == 2) e.a.movzx(Assembler::r32(to), Assembler::r16(to));
  }
  e.scratch(to);
}

// 16-bit code that jumps by 32-bit pointers: what is above 16 bits is a fault, not dropped.
bool reaches_beyond_segment(Emitter& e, const Insn& i) {
  return e.mode().has(Mode::kCode16) && i.stack_operand_size() == 4;
}

void check_pointer_size(Emitter& e, const Insn& i, u8 pointer) {
  if (!reaches_beyond_segment(e, i)) return;
  e.a.cmp(Assembler::r32(pointer), 0xffff);
  e.exits.interpret_if(e.a.jump_if_forward(kAbove));
}

RmOperand checked_target(Emitter& e, const Insn& i) {
  if (!i.memory) return {};
  return e.operands.checked(i.stack_operand_size(), false, Operands::FlagsIn::Memory);
}

// --- LOOP, LOOPE, LOOPNE and JRCXZ, which leave the flags alone

constexpr u8 kLoopne = 0xe0, kLoope = 0xe1, kJrcxz = 0xe3;  // opcodes

// The condition by which LOOPE and LOOPNE do not jump.
std::optional<Condition> refusal(const Insn& i) {
  if (i.opcode == kLoopne) return kZero;
  if (i.opcode == kLoope) return kNotZero;
  return std::nullopt;
}

std::optional<u32> jump_if_refused(Emitter& e, const Insn& i) {
  const auto condition = refusal(i);
  return condition ? std::optional(e.a.jump_if_forward(*condition)) : std::nullopt;
}

// Returns the jump that is taken.
u32 loop_losing_flags(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  const HostRegister counter = Assembler::sized(x86::RCX, i.address_bits / 8u);
  e.flags.into_memory(s.flags_live_after);
  if (i.opcode != kJrcxz) emit_count_down(e, i);
  const auto past = jump_if_refused(e, i);
  e.a.test(counter, counter);
  const u32 taken = e.a.jump_if_forward(i.opcode == kJrcxz ? kZero : kNotZero);
  if (past) e.a.bind(*past);
  e.flags.lost();
  return taken;
}

// The host's own JRCXZ or JECXZ, which is short, beside a jump that reaches further.
u32 loop_keeping_flags(Emitter& e, const Insn& i) {
  const bool loops = i.opcode != kJrcxz;
  if (loops) emit_count_down(e, i);
  const auto past = jump_if_refused(e, i);
  const u32 if_zero = e.a.short_jump_if_rcx_is_zero(i.address_bits);
  u32 around = if_zero;
  if (!loops) {
    around = e.a.short_jump();
    e.a.bind_short(if_zero);
  }
  const u32 taken = e.a.jump_forward();
  e.a.bind_short(around);
  if (past) e.a.bind(*past);
  return taken;
}

}  // namespace

void emit_jump(Emitter& e, const ScannedInsn& s) {
  e.flags.into_memory(s.flags_live_after);
  e.exits.jump(target_of(s.insn));
}

void emit_conditional_jump(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  e.flags.into_host();
  e.exits.jump_if_taken(e.a.jump_if_forward(i.opcode & 15), target_of(i));
}

void emit_loop(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  if (i.row.flags_read != 0)
    e.flags.into_host();
  else if (!e.flags.in_host())
    e.flags.into_memory(s.flags_live_after);
  // The host has no jump that looks at CX.
  const bool clobber = i.address_bits == 16 || s.flags_live_after == 0;
  e.exits.jump_if_taken(clobber ? loop_losing_flags(e, s) : loop_keeping_flags(e, i), target_of(i));
}

void emit_call(Emitter& e, const ScannedInsn& s) {
  flags_to_boundary(e, s);
  if (reaches_beyond_segment(e, s.insn)) {
    e.scratch(kT0);
    emit_page_relative(e.a, kT0, target_of(s.insn));
    e.a.sub(e.a.t0, e.a.field(BACKPLANE_JIT_OFFSET(code_base)));
    check_pointer_size(e, s.insn, kT0);
  }
  push_return_address(e, s.insn);
  e.exits.jump(target_of(s.insn));
}

void emit_indirect_jump(Emitter& e, const ScannedInsn& s) {
  flags_to_boundary(e, s);
  const RmOperand from = checked_target(e, s.insn);
  load_target(e, s.insn, from, kT0);
  check_pointer_size(e, s.insn, kT0);
  e.exits.jump_indirect(0);
}

void emit_far_jump(Emitter& e, const ScannedInsn& s) {
  e.flags.into_memory(kFlagsAll);
  e.scratch(kT0);
  e.a.mov(e.a.t0, s.insn.immediate);
  e.a.mov(e.a.field(BACKPLANE_JIT_OFFSET(slow_linear)), e.a.t0);
  emit_call_of(e, SystemForm::make(s.insn, SystemForm::kJumpFar) | SystemForm::kWithValue);
}

void emit_indirect_call(Emitter& e, const ScannedInsn& s) {
  flags_to_boundary(e, s);
  const RmOperand from = checked_target(e, s.insn);
  // The target waits in T2 while the return address is stored, unless that needs T2 and no check.
  const auto stack = e.operands.known_stack();
  const u8 target = stack && stack->reg == kT2 ? kT0 : kT2;
  load_target(e, s.insn, from, target);
  check_pointer_size(e, s.insn, target);
  push_return_address(e, s.insn);
  if (target != kT0) e.a.mov(e.a.t0, Assembler::r64(target));
  e.exits.jump_indirect(-static_cast<i32>(s.insn.stack_operand_size()));
}

void emit_return(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  const unsigned size = i.stack_operand_size();
  flags_to_boundary(e, s);
  const RmOperand from = e.operands.checked_stack();
  e.a.load(kT0, from, size);
  check_pointer_size(e, i, kT0);
  const i32 popped = static_cast<i32>(size) + static_cast<i32>(i.immediate);
  move_stack_pointer(e.a, e.mode(), popped);
  e.exits.jump_indirect(popped);
}

void emit_leave(Emitter& e, const ScannedInsn& s) {
  Assembler& a = e.a;
  const unsigned size = s.insn.stack_operand_size();
  e.flags.before_clobber();
  e.scratch(kT0);
  a.mov(a.t0, a.rbp);
  if (size == 4) a.mov(a.t0d, a.t0d);
  e.operands.check(size, false, Operands::Comes::Later);
  a.lea(Assembler::sized(kGuestRsp, size), a.ptr[a.rbp + static_cast<int>(size)]);
  a.mov(Assembler::sized(x86::RBP, size), a.at(RmOperand::at(kT0), size));
}

}  // namespace backplane::tcg
