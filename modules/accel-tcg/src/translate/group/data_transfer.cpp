// SPDX-License-Identifier: MIT
// Data transfer. [SDM 1 "Data Transfer Instructions"]
#include "translate/group/instructions.h"
#include "translate/guest_state.h"

namespace backplane::tcg {
namespace {

void mov_immediate_byte(Emitter& e, const Insn& i) {
  const int value = static_cast<int>(i.immediate);
  const u8 home = host_register(i.rm);
  if (!i.rex_present && i.rm >= 4)
    e.a.mov(Assembler::high_byte(i.rm - 4), value);
  else if (home == kSpilled)
    e.a.mov(e.a.field_of(i.rm, 1), value);
  else
    e.a.mov(Assembler::low_byte(home), value);
}

RmOperand selector_of(unsigned segment) {
  return RmOperand::at(kState,
                       static_cast<i32>(offsetof(X86State, seg) + segment * sizeof(x86::Segment)));
}

// The selector is what SystemForm::kWithValue says.
void load_value(Emitter& e, RmOperand from) {
  e.a.load(kT1, from, 2);
  e.a.mov(e.a.field(BACKPLANE_JIT_OFFSET(slow_linear)), e.a.t1);
}

// Stores what `reg` holds where the instruction pushes, and moves the stack pointer.
void push_register(Emitter& e, u8 reg, unsigned size) {
  const RmOperand to = e.operands.checked_stack();
  e.a.mov(e.a.at(to, size), Assembler::sized(reg, size));
  move_stack_pointer(e.a, e.mode(), -static_cast<i32>(size));
}

}  // namespace

void emit_mov_immediate(Emitter& e, const ScannedInsn& s) {
  constexpr u8 kFirstOfWholeRegisters = 0xb8;
  const Insn& i = s.insn;
  if (i.opcode < kFirstOfWholeRegisters) return mov_immediate_byte(e, i);
  const u8 reg = Emitter::target(i.rm);
  switch (i.operand_size()) {
    case 8:
      e.a.mov(Assembler::r64(reg), i.immediate);
      break;
    case 4:
      e.a.mov(Assembler::r32(reg), static_cast<u32>(i.immediate));
      break;
    default:
      if (host_register(i.rm) == kSpilled)
        e.a.mov(e.a.field_of(i.rm, 2), static_cast<u16>(i.immediate));
      else
        e.a.mov(Assembler::r16(reg), static_cast<u16>(i.immediate));
      return;
  }
  e.define(i.rm, reg);
}

void emit_bswap(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  const u8 reg = e.use(i.rm);
  if (i.w)
    e.a.bswap(Assembler::r64(reg));
  else
    e.a.bswap(Assembler::r32(reg));
  e.define(i.rm, reg);
}

void emit_exchange_accumulator(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  if (i.rm == x86::RAX) return;  // NOP, PAUSE
  const u8 reg = e.use(i.rm);
  if (host_register(i.rm) == kSpilled) {
    if (!i.w) {
      e.a.mov(Assembler::r32(reg), Assembler::r32(reg));
      e.a.mov(e.a.eax, e.a.eax);
    }
    e.define(i.rm, x86::RAX);
    e.define(x86::RAX, reg);
  } else if (i.w) {
    e.a.xchg(e.a.rax, Assembler::r64(reg));
  } else {
    e.a.xchg(Assembler::r32(reg), e.a.eax);
  }
}

void emit_push(Emitter& e, const ScannedInsn& s) {
  const unsigned size = s.insn.stack_operand_size();
  const RmOperand to = e.operands.checked_stack();
  e.a.mov(e.a.at(to, size), Assembler::sized(e.use(s.insn.rm), size));
  move_stack_pointer(e.a, e.mode(), -static_cast<i32>(size));
}

void emit_push_immediate(Emitter& e, const ScannedInsn& s) {
  const unsigned size = s.insn.stack_operand_size();
  const RmOperand to = e.operands.checked_stack();
  e.a.mov(e.a.at(to, size), static_cast<int>(s.insn.immediate));
  move_stack_pointer(e.a, e.mode(), -static_cast<i32>(size));
}

void emit_push_operand(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  const unsigned size = i.stack_operand_size();
  RmOperand from;
  if (i.memory) from = e.operands.checked(size, false, Operands::FlagsIn::Memory);
  // The value waits in T1 if the stack needs no check, which would use it.
  const u8 value = e.operands.known_stack() ? kT1 : kT2;
  if (i.memory)
    e.a.load(value, from, size);
  else
    e.use_in(value, i.rm);
  const auto held = e.hold(e.scratch(value));
  push_register(e, value, size);
}

void emit_pop(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  const unsigned size = i.stack_operand_size();
  const RmOperand from = e.operands.checked_stack();
  if (i.rm == x86::RSP) {
    // The stack pointer that is popped has the last word.
    e.a.mov(Assembler::sized(kGuestRsp, size), e.a.at(from, size));
    return;
  }
  // What has no register of the host's is of 64-bit code.
  const u8 reg = Emitter::target(i.rm);
  e.a.mov(Assembler::sized(reg, size), e.a.at(from, size));
  e.define(i.rm, reg);
  move_stack_pointer(e.a, e.mode(), static_cast<i32>(size));
}

void emit_pop_operand(Emitter& e, const ScannedInsn& s) {
  const unsigned size = s.insn.stack_operand_size();
  const RmOperand from = e.operands.checked_stack();
  e.a.load(kT2, from, size);
  const auto held = e.hold(e.scratch(kT2));
  const RmOperand to = e.operands.checked(size, true, Operands::FlagsIn::Host);
  e.a.mov(e.a.at(to, size), Assembler::sized(kT2, size));
  move_stack_pointer(e.a, e.mode(), static_cast<i32>(size));
}

void emit_push_selector(Emitter& e, const ScannedInsn& s) {
  const unsigned size = s.insn.stack_operand_size();
  const RmOperand to = e.operands.checked_stack();
  e.a.load(kT1, selector_of(s.insn.stack_selector()), 2);
  e.a.mov(e.a.at(to, size), Assembler::sized(kT1, size));
  move_stack_pointer(e.a, e.mode(), -static_cast<i32>(size));
}

void emit_pop_selector(Emitter& e, const ScannedInsn& s) {
  e.flags.into_memory(kFlagsAll);
  load_value(e, e.operands.checked_stack());
  emit_call_of(e, SystemForm::pop_selector(s.insn));
}

void emit_load_segment(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  u32 form = SystemForm::make(i, SystemForm::kLoadSegment);
  e.flags.into_memory(kFlagsAll);
  if (i.memory) {
    load_value(e, e.operands.checked(2, false, Operands::FlagsIn::Memory));
    form |= SystemForm::kWithValue;
  }
  emit_call_of(e, form);
}

void emit_read_selector(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  const RmOperand selector = selector_of(i.reg);
  if (i.memory) {
    const RmOperand to = e.operands.checked(2, true, Operands::FlagsIn::Host);
    e.a.load(kT1, selector, 2);
    e.a.mov(e.a.at(to, 2), Assembler::sized(kT1, 2));
    return;
  }
  if (i.operand_size() != 2) {
    const u8 reg = Emitter::target(i.rm);
    e.a.load(reg, selector, 2);
    return e.define(i.rm, reg);
  }
  // What is above 16 bits stays.
  e.a.load(kT1, selector, 2);
  e.define_low(i.rm, kT1, 2);
}

}  // namespace backplane::tcg
