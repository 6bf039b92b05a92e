// SPDX-License-Identifier: MIT
// Jumps, calls, returns, loops, software interrupts, BOUND.
#include "execution.h"
#include "handlers.h"

namespace backplane::x86::interpreter {
namespace {

struct FarTarget {
  u16 selector;
  u64 offset;
};

// A far pointer in the instruction, or in memory with the offset first.
FarTarget far_target(Execution& x, const Instruction& i) {
  if (i.operand[0].kind == OperandKind::FarPointer)
    return {static_cast<u16>(i.immediate2), i.immediate};
  const unsigned size = i.operand_size;
  const u64 address = x.linear(i, size + 2, false);
  const u64 offset = x.read(address, size);
  return {static_cast<u16>(x.read(address + size, 2)), offset};
}

u64 near_target(Execution& x, const Instruction& i) {
  if (i.operand[0].kind == OperandKind::Immediate) return x.next_rip + i.immediate;
  return x.load(i, i.operand[0]);
}

void jump(Execution& x, const Instruction& i) {
  if (i.far) {
    const FarTarget target = far_target(x, i);
    far_jump(x.context, target.selector, target.offset, i.operand_size, x.next_rip);
    return x.transferred();
  }
  x.branch(near_target(x, i), i.operand_size);
}

void jump_conditional(Execution& x, const Instruction& i) {
  if (condition_holds(i.argument, x.state.rflags))
    x.branch(x.next_rip + i.immediate, i.operand_size);
}

void call(Execution& x, const Instruction& i) {
  if (i.far) {
    const FarTarget target = far_target(x, i);
    far_call(x.context, target.selector, target.offset, i.operand_size, x.next_rip);
    return x.transferred();
  }
  const u64 target = x.checked_target(near_target(x, i), i.operand_size);
  x.push(x.next_rip, i.operand_size);
  x.next_rip = target;
}

void return_from_call(Execution& x, const Instruction& i) {
  const unsigned released = i.operand_count > 0 ? i.immediate & 0xffff : 0;
  if (i.far) {
    far_return(x.context, i.operand_size, released);
    return x.transferred();
  }
  const u64 target = x.checked_target(x.peek(0, i.operand_size), i.operand_size);
  x.drop(i.operand_size + released);
  x.next_rip = target;
}

void return_from_interrupt(Execution& x, const Instruction& i) {
  iret(x.context, i.argument, x.next_rip);
  x.transferred();
}

enum LoopKind : u8 { kLoop, kLoopEqual, kLoopNotEqual };

void loop(Execution& x, const Instruction& i) {
  const u64 count = (x.state.gpr[RCX] - 1) & mask_of(i.address_size);
  const bool taken =
      count != 0 && (i.argument == kLoop || x.flag(kZF) == (i.argument == kLoopEqual));
  const u64 target =
      taken ? x.checked_target(x.next_rip + i.immediate, i.operand_size) : x.next_rip;
  x.set_reg(RCX, i.address_size, count);
  x.next_rip = target;
}

void jump_if_count_zero(Execution& x, const Instruction& i) {
  if (x.reg(RCX, i.address_size) == 0) x.branch(x.next_rip + i.immediate, i.operand_size);
}

void deliver(Execution& x, EventKind kind, u8 vector) {
  deliver_event(x.context, kind, vector, x.next_rip);
  x.transferred();
  x.outcome = Execution::Outcome::Delivered;
}

void software_interrupt(Execution& x, const Instruction& i) {
  if (x.virtual8086() && (x.state.rflags & kIOPL) != kIOPL) raise_fault(kGP, 0);
  deliver(x, EventKind::SoftwareInt, static_cast<u8>(i.immediate));
}

void breakpoint(Execution& x, const Instruction&) { deliver(x, EventKind::SoftwareException, kBP); }

void interrupt_on_overflow(Execution& x, const Instruction&) {
  if (x.flag(kOF)) deliver(x, EventKind::SoftwareException, kOFVector);
}

void debug_interrupt(Execution& x, const Instruction&) {
  deliver(x, EventKind::PrivilegedSoftware, kDB);
}

void check_bounds(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const i64 index = sign_extend(x.load(i, i.operand[0]), size);
  const u64 address = x.linear(i, 2 * size, false);
  const i64 lower = sign_extend(x.read(address, size), size);
  const i64 upper = sign_extend(x.read(address + size, size), size);
  if (index < lower || index > upper) raise_fault(kBR);
}

}  // namespace

void add_control_flow_handlers(HandlerTable& t) {
  constexpr ZydisMnemonic kJumps[16] = {
      ZYDIS_MNEMONIC_JO, ZYDIS_MNEMONIC_JNO, ZYDIS_MNEMONIC_JB,  ZYDIS_MNEMONIC_JNB,
      ZYDIS_MNEMONIC_JZ, ZYDIS_MNEMONIC_JNZ, ZYDIS_MNEMONIC_JBE, ZYDIS_MNEMONIC_JNBE,
      ZYDIS_MNEMONIC_JS, ZYDIS_MNEMONIC_JNS, ZYDIS_MNEMONIC_JP,  ZYDIS_MNEMONIC_JNP,
      ZYDIS_MNEMONIC_JL, ZYDIS_MNEMONIC_JNL, ZYDIS_MNEMONIC_JLE, ZYDIS_MNEMONIC_JNLE};
  for (u8 condition = 0; condition < 16; ++condition)
    t.add(kJumps[condition], jump_conditional, condition);
  t.add(ZYDIS_MNEMONIC_JMP, jump);
  t.add(ZYDIS_MNEMONIC_CALL, call);
  t.add(ZYDIS_MNEMONIC_RET, return_from_call);
  t.add(ZYDIS_MNEMONIC_IRET, return_from_interrupt, 2);
  t.add(ZYDIS_MNEMONIC_IRETD, return_from_interrupt, 4);
  t.add(ZYDIS_MNEMONIC_IRETQ, return_from_interrupt, 8);
  t.add(ZYDIS_MNEMONIC_LOOP, loop, kLoop);
  t.add(ZYDIS_MNEMONIC_LOOPE, loop, kLoopEqual);
  t.add(ZYDIS_MNEMONIC_LOOPNE, loop, kLoopNotEqual);
  t.add(ZYDIS_MNEMONIC_JCXZ, jump_if_count_zero);
  t.add(ZYDIS_MNEMONIC_JECXZ, jump_if_count_zero);
  t.add(ZYDIS_MNEMONIC_JRCXZ, jump_if_count_zero);
  t.add(ZYDIS_MNEMONIC_INT, software_interrupt);
  t.add(ZYDIS_MNEMONIC_INT3, breakpoint);
  t.add(ZYDIS_MNEMONIC_INTO, interrupt_on_overflow);
  t.add(ZYDIS_MNEMONIC_INT1, debug_interrupt);
  t.add(ZYDIS_MNEMONIC_BOUND, check_bounds);
}

}  // namespace backplane::x86::interpreter
