// SPDX-License-Identifier: MIT
// PUSH, POP and their forms for all registers and flags, ENTER, LEAVE.
#include "execution.h"
#include "handlers.h"

namespace backplane::x86::interpreter {
namespace {

void push(Execution& x, const Instruction& i) { x.push(x.load(i, i.operand[0]), i.operand_size); }

void pop_segment(Execution& x, const Instruction& i) {
  const SegReg segment = static_cast<SegReg>(i.operand[0].reg);
  const u16 selector = static_cast<u16>(x.peek(0, 2));
  const unsigned stack_size = x.stack_size();
  load_segment(x.context, segment, selector);
  // The width of the stack pointer is that of the old stack segment.
  const u64 mask = mask_of(stack_size);
  u64& rsp = x.state.gpr[RSP];
  rsp = (rsp & ~mask) | ((rsp + i.operand_size) & mask);
  if (segment == SS) x.hold_interrupts();
}

void pop(Execution& x, const Instruction& i) {
  const Operand& to = i.operand[0];
  if (to.kind == OperandKind::Segment) return pop_segment(x, i);
  const u64 value = x.peek(0, i.operand_size);
  if (to.kind == OperandKind::Register) {
    x.drop(i.operand_size);
    x.set_reg(to.reg, i.operand_size, value);
    return;
  }
  // An address that uses RSP uses it as it is after the pop.
  u64 offset = x.effective_address(i.memory);
  if (i.memory.base == RSP)
    offset = (offset + x.rsp_with(x.stack_pointer() + i.operand_size) - x.state.gpr[RSP]) &
             mask_of(i.address_size);
  const u64 address = x.linear(i.memory.segment, offset, i.operand_size, true);
  x.write(address, i.operand_size, value);
  x.drop(i.operand_size);
}

void push_all(Execution& x, const Instruction& i) {
  const unsigned size = i.operand_size;
  const u64 sp = x.stack_pointer();
  const u64 mask = mask_of(x.stack_size());
  u64 values[8];  // from the lowest address up: EDI first
  for (unsigned n = 0; n < 8; ++n) values[n] = x.reg(static_cast<u8>(RDI - n), size);
  // From the highest address down, as eight pushes would: a fault leaves ESP as it was.
  for (unsigned n = 8; n-- > 0;) {
    const u64 at = (sp - (8 - n) * size) & mask;
    x.write(x.linear(SS, at, size, true), size, values[n]);
  }
  x.drop(0 - u64{8} * size);
}

void pop_all(Execution& x, const Instruction& i) {
  const unsigned size = i.operand_size;
  u64 values[8];
  for (unsigned n = 0; n < 8; ++n) values[n] = x.peek(u64{n} * size, size);
  x.drop(u64{8} * size);
  for (unsigned n = 0; n < 8; ++n) {
    const u8 reg = static_cast<u8>(RDI - n);
    if (reg != RSP) x.set_reg(reg, size, values[n]);
  }
}

// #GP(0) in virtual-8086 mode with IOPL below 3.
void require_iopl_in_v86(const Execution& x) {
  if (x.virtual8086() && (x.state.rflags & kIOPL) != kIOPL) raise_fault(kGP, 0);
}

void push_flags(Execution& x, const Instruction& i) {
  require_iopl_in_v86(x);
  x.push(x.state.rflags & ~(kRF | kVM), i.operand_size);
}

void pop_flags(Execution& x, const Instruction& i) {
  require_iopl_in_v86(x);
  const u64 value = x.peek(0, i.operand_size);
  x.drop(i.operand_size);
  write_flags(x.state, value, i.operand_size);
}

void enter(Execution& x, const Instruction& i) {
  const unsigned size = i.operand_size;
  const u64 stack_mask = mask_of(x.stack_size());
  const unsigned level = i.immediate2 & 31;
  u64 sp = x.stack_pointer();
  const auto push_at = [&](u64 value) {
    sp = (sp - size) & stack_mask;
    x.write(x.linear(SS, sp, size, true), size, value);
  };
  push_at(x.state.gpr[RBP]);
  const u64 frame = x.rsp_with(sp);
  u64 outer = x.state.gpr[RBP];
  for (unsigned n = 1; n < level; ++n) {
    outer -= size;
    push_at(x.read(x.linear(SS, outer & stack_mask, size, false), size));
  }
  if (level > 0) push_at(frame);
  sp = (sp - (i.immediate & 0xffff)) & stack_mask;
  x.probe_write(x.linear(SS, sp, 1, true), 1);
  x.set_reg(RBP, size, frame);
  x.set_stack_pointer(sp);
}

void leave(Execution& x, const Instruction& i) {
  const unsigned size = i.operand_size;
  const u64 frame = x.state.gpr[RBP] & mask_of(x.stack_size());
  const u64 outer = x.read(x.linear(SS, frame, size, false), size);
  x.set_stack_pointer(frame + size);
  x.set_reg(RBP, size, outer);
}

}  // namespace

void add_stack_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_PUSH, push);
  t.add(ZYDIS_MNEMONIC_POP, pop);
  t.add(ZYDIS_MNEMONIC_PUSHA, push_all);
  t.add(ZYDIS_MNEMONIC_PUSHAD, push_all);
  t.add(ZYDIS_MNEMONIC_POPA, pop_all);
  t.add(ZYDIS_MNEMONIC_POPAD, pop_all);
  t.add(ZYDIS_MNEMONIC_PUSHF, push_flags);
  t.add(ZYDIS_MNEMONIC_PUSHFD, push_flags);
  t.add(ZYDIS_MNEMONIC_PUSHFQ, push_flags);
  t.add(ZYDIS_MNEMONIC_POPF, pop_flags);
  t.add(ZYDIS_MNEMONIC_POPFD, pop_flags);
  t.add(ZYDIS_MNEMONIC_POPFQ, pop_flags);
  t.add(ZYDIS_MNEMONIC_ENTER, enter);
  t.add(ZYDIS_MNEMONIC_LEAVE, leave);
}

}  // namespace backplane::x86::interpreter
