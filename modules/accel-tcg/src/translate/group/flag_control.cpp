// SPDX-License-Identifier: MIT
// Flag control. [SDM 1 "Flag Control (EFLAG) Instructions"]
#include "translate/group/instructions.h"
#include "translate/guest_state.h"

namespace backplane::tcg {
namespace {

HostMemory rflags(Emitter& e) { return e.a.field32(static_cast<int>(offsetof(X86State, rflags))); }

void set_flag(Emitter& e, u64 flag) { e.a.or_(rflags(e), static_cast<u32>(flag)); }
void clear_flag(Emitter& e, u64 flag) { e.a.and_(rflags(e), ~static_cast<u32>(flag)); }

// All flags come where they are read at block boundaries, and the host's are free.
void flags_to_memory(Emitter& e) {
  e.flags.into_memory(kFlagsAll);
  e.flags.before_clobber();
}

// Flags of the host are lost.
u32 jump_if_interrupt_waiting(Emitter& e) {
  e.a.cmp(e.a.field32(BACKPLANE_JIT_OFFSET(interrupt_waiting)), 0);
  return e.a.jump_if_forward(kNotZero);
}

// Between the form that RFLAGS has, in T2, and that of LAHF and SETO.
void saved_to_rflags(Assembler& a) {
  a.movzx(a.t1d, a.field16(BACKPLANE_JIT_OFFSET(saved_flags)));
  a.mov(a.t2d, a.t1d);
  a.shr(a.t2d, 8);
  a.and_(a.t2d, 0xd5);
  a.and_(a.t1d, 1);
  a.shl(a.t1d, 11);
  a.or_(a.t2d, a.t1d);
}

void rflags_to_saved(Assembler& a) {
  a.mov(a.t1d, a.t2d);
  a.shl(a.t1d, 8);
  a.and_(a.t1d, 0xd500);
  a.shr(a.t2d, 11);
  a.and_(a.t2d, 1);
  a.or_(a.t1d, a.t2d);
  a.or_(a.t1d, 0x200);
  a.mov(a.field16(BACKPLANE_JIT_OFFSET(saved_flags)), a.t1w);
}

}  // namespace

void emit_direction(Emitter& e, const ScannedInsn& s) {
  const bool backwards = s.insn.row.op == Op::Std;
  e.flags.before_clobber();
  if (backwards)
    set_flag(e, x86::kDF);
  else
    clear_flag(e, x86::kDF);
  e.a.mov(e.a.field(BACKPLANE_JIT_OFFSET(direction)), backwards ? -1 : 1);
}

void emit_cli(Emitter& e, const ScannedInsn&) {
  e.flags.before_clobber();
  clear_flag(e, x86::kIF);
}

void emit_sti(Emitter& e, const ScannedInsn&) {
  flags_to_memory(e);
  e.exits.interpret_if(jump_if_interrupt_waiting(e));
  set_flag(e, x86::kIF);
}

void emit_pushf(Emitter& e, const ScannedInsn& s) {
  Assembler& a = e.a;
  flags_to_memory(e);
  e.scratch(kT2);
  saved_to_rflags(a);
  a.mov(a.t1d, rflags(e));
  a.and_(a.t1d, static_cast<u32>(~(x86::kArithmeticFlags | x86::kRF | x86::kVM)));
  a.or_(a.t2d, a.t1d);
  const auto held = e.hold(kT2);
  const unsigned size = s.insn.stack_operand_size();
  const RmOperand to = e.operands.checked_stack();
  a.mov(a.at(to, size), Assembler::sized(kT2, size));
  move_stack_pointer(a, e.mode(), -static_cast<i32>(size));
}

void emit_popf(Emitter& e, const ScannedInsn& s) {
  // What may change here; where another bit would, the interpreter goes on.
  constexpr u32 kSimple = static_cast<u32>(x86::kArithmeticFlags | x86::kIF);
  constexpr u32 kDefined = 0x3f7fd5, kDefinedLow = 0x7fd5;
  Assembler& a = e.a;
  flags_to_memory(e);
  const unsigned size = s.insn.stack_operand_size();
  const RmOperand from = e.operands.checked_stack();
  e.scratch(kT2);
  a.load(kT2, from, size);
  a.mov(a.t1d, rflags(e));
  a.xor_(a.t1d, a.t2d);
  a.test(a.t1d, ~kSimple & (size == 2 ? kDefinedLow : kDefined));
  const u32 unusual = a.jump_if_forward(kNotZero);
  a.test(a.t2d, static_cast<u32>(x86::kIF));
  const u32 masked = a.jump_if_forward(kZero);
  e.exits.interpret_if(unusual, jump_if_interrupt_waiting(e));
  a.bind(masked);
  clear_flag(e, x86::kIF);
  a.mov(a.t1d, a.t2d);
  a.and_(a.t1d, static_cast<u32>(x86::kIF));
  a.or_(rflags(e), a.t1d);
  rflags_to_saved(a);
  move_stack_pointer(a, e.mode(), static_cast<i32>(size));
  e.flags.are_in_memory();
  e.exits.jump(i64{s.insn.offset} + s.insn.length);
}

}  // namespace backplane::tcg
