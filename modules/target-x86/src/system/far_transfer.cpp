// SPDX-License-Identifier: MIT
// Far jumps, calls and returns. [SDM 2A "JMP-Jump", "CALL-Call Procedure"; 2B "RET"]
#include "far_transfer.h"

#include "stack.h"
#include "task_switch.h"

namespace backplane::x86 {

namespace {

// A code segment named by a far pointer or a call gate.
void check_code(const X86State& s, u16 selector, const Descriptor& code) {
  if (!code.present()) raise_fault(kNP, error_of(selector));
  if (s.long_mode_active() && code.long_mode() && code.big()) raise_fault(kGP, error_of(selector));
}

void check_direct(const X86State& s, u16 selector, const Descriptor& code) {
  const bool allowed = code.conforming() ? code.dpl() <= s.cpl()
                                         : (selector & 3u) <= s.cpl() && code.dpl() == s.cpl();
  if (!allowed) raise_fault(kGP, error_of(selector));
  check_code(s, selector, code);
}

struct GateTarget {
  u16 selector;
  Descriptor code;
};

// The target of a call gate. `may_raise`: a call may enter an inner, non-conforming segment.
GateTarget gate_target(Context c, u16 gate_selector, Descriptor& gate, bool may_raise) {
  const X86State& s = c.state();
  const u32 gate_error = error_of(gate_selector);
  if (gate.dpl() < s.cpl() || (gate_selector & 3u) > gate.dpl()) raise_fault(kGP, gate_error);
  if (s.long_mode_active() &&
      (!read_upper_half(c, gate_selector, gate) || ((gate.high >> 40) & 0x1f) != 0))
    raise_fault(kGP, gate_error);
  gate.high &= 0xffffffff;
  if (!gate.present()) raise_fault(kNP, gate_error);

  GateTarget t{.selector = gate.gate_selector(), .code = {}};
  const u32 error = error_of(t.selector);
  if (is_null(t.selector)) raise_fault(kGP, 0);
  if (!find_descriptor(c, t.selector, t.code) || !t.code.is_code()) raise_fault(kGP, error);
  const bool level_ok =
      t.code.conforming() || may_raise ? t.code.dpl() <= s.cpl() : t.code.dpl() == s.cpl();
  if (!level_ok) raise_fault(kGP, error);
  if (s.long_mode_active() && (!t.code.long_mode() || t.code.big())) raise_fault(kGP, error);
  if (!t.code.present()) raise_fault(kNP, error);
  return t;
}

// How wide the offset in a call gate is.
unsigned gate_size(const X86State& s, const Descriptor& gate) {
  return s.long_mode_active() ? 8 : gate.gate_is_16bit() ? 2 : 4;
}

enum class SystemTarget : u8 { CallGate, TaskGate, Tss };

SystemTarget system_target(const X86State& s, u16 selector, const Descriptor& d) {
  const bool legacy = !s.long_mode_active();
  switch (d.type()) {
    case kCallGate32:
      return SystemTarget::CallGate;
    case kCallGate16:
      if (legacy) return SystemTarget::CallGate;
      break;
    case kTaskGate:
      if (legacy) return SystemTarget::TaskGate;
      break;
    case kTss16:
    case kTss32:
      if (legacy) return SystemTarget::Tss;
      break;
    default:
      break;
  }
  raise_fault(kGP, error_of(selector));
}

void enter_task(Context c, u16 selector, const Descriptor& d, SystemTarget target, TaskSwitch kind,
                u64 next_rip) {
  const X86State& s = c.state();
  const u32 error = error_of(selector);
  if (d.dpl() < s.cpl() || (selector & 3u) > d.dpl()) raise_fault(kGP, error);
  if (!d.present()) raise_fault(kNP, error);
  if (target == SystemTarget::TaskGate) selector = task_gate_target(c, d.low, error);
  switch_task(c, selector, kind, next_rip);
}

// A call gate into an inner level: a new stack, with parameters from the old one.
void call_inner(Context c, const Descriptor& gate, const GateTarget& t, u64 offset,
                u64 return_rip) {
  X86State& s = c.state();
  const unsigned cpl = t.code.dpl();
  const u16 old_cs = s.seg[CS].selector, old_ss = s.seg[SS].selector;
  const u64 old_sp = s.gpr[RSP];
  if (s.long_mode_active()) {
    Stack stack(c, s.seg[SS], inner_stack64(c, cpl, 0), true, cpl, 0);
    for (const u64 value : {u64{old_ss}, old_sp, u64{old_cs}, return_rip}) stack.push(value, 8);
    stack.commit(s);
    s.seg[SS] = null_stack_segment(cpl);
    return enter_code(c, t.code, t.selector, cpl, offset);
  }
  const unsigned size = gate.gate_is_16bit() ? 2 : 4;
  const InnerStack fresh = inner_stack(c, cpl, 0);
  Stack stack(c, fresh.segment, fresh.pointer, false, cpl, error_of(fresh.segment.selector));
  u32 parameters[31];
  const unsigned count = gate.gate_parameters();
  Stack outer(c);
  for (unsigned i = 0; i < count; ++i) parameters[i] = static_cast<u32>(outer.pop(size));
  stack.push(old_ss, size);
  stack.push(old_sp, size);
  for (unsigned i = count; i-- > 0;) stack.push(parameters[i], size);
  stack.push(old_cs, size);
  stack.push(return_rip, size);
  stack.commit(s);
  s.seg[SS] = fresh.segment;
  enter_code(c, t.code, t.selector, cpl, offset);
}

void push_return(Context c, u64 return_rip, unsigned size) {
  X86State& s = c.state();
  Stack stack(c);
  stack.push(s.seg[CS].selector, size);
  stack.push(return_rip, size);
  stack.commit(s);
}

void call_through_gate(Context c, u16 selector, Descriptor& gate, u64 return_rip) {
  const X86State& s = c.state();
  const GateTarget t = gate_target(c, selector, gate, true);
  const unsigned size = gate_size(s, gate);
  const u64 offset = checked_offset(c, t.code, gate.gate_offset(), size);
  if (!t.code.conforming() && t.code.dpl() < s.cpl())
    return call_inner(c, gate, t, offset, return_rip);
  push_return(c, return_rip, size);
  enter_code(c, t.code, t.selector, s.cpl(), offset);
}

}  // namespace

u64 checked_offset(Context c, const Descriptor& code, u64 offset, unsigned operand_size) {
  if (operand_size < 8) offset &= operand_size == 2 ? 0xffff : 0xffffffff;
  if (c.state().long_mode_active() && code.long_mode()) {
    if (!is_canonical(offset)) raise_fault(kGP, 0);
    return offset;
  }
  if (offset > code.limit()) raise_fault(kGP, 0);
  return offset;
}

void enter_code(Context c, Descriptor code, u16 selector, unsigned cpl, u64 offset) {
  mark_accessed(c, code);
  X86State& s = c.state();
  s.seg[CS] = code.segment(static_cast<u16>((selector & ~3u) | cpl));
  s.rip = offset;
}

void enter_real_code(Context c, u16 selector, u64 offset) {
  X86State& s = c.state();
  if (offset > s.seg[CS].limit) raise_fault(kGP, 0);
  load_segment(c, CS, selector);
  s.rip = offset;
}

Descriptor return_code_segment(Context c, u16 selector) {
  const X86State& s = c.state();
  const u32 error = error_of(selector);
  const unsigned rpl = selector & 3u;
  Descriptor code;
  if (is_null(selector)) raise_fault(kGP, 0);
  if (!find_descriptor(c, selector, code) || !code.is_code() || rpl < s.cpl())
    raise_fault(kGP, error);
  if (code.conforming() ? code.dpl() > rpl : code.dpl() != rpl) raise_fault(kGP, error);
  check_code(s, selector, code);
  return code;
}

Segment return_stack_segment(Context c, u16 selector, const Descriptor& code, unsigned cpl) {
  if (is_null(selector) && c.state().long_mode_active() && code.long_mode() && cpl != 3) {
    if ((selector & 3u) != cpl) raise_fault(kGP, error_of(selector));
    return null_stack_segment(cpl);
  }
  return checked_stack_segment(c, selector, cpl, kGP, 0);
}

void far_jump(Context c, u16 selector, u64 offset, unsigned operand_size, u64 next_rip) {
  X86State& s = c.state();
  if (!s.protected_mode()) return enter_real_code(c, selector, offset);
  Descriptor d;
  if (is_null(selector)) raise_fault(kGP, 0);
  if (!find_descriptor(c, selector, d) || d.is_data()) raise_fault(kGP, error_of(selector));
  if (d.is_code()) {
    check_direct(s, selector, d);
    return enter_code(c, d, selector, s.cpl(), checked_offset(c, d, offset, operand_size));
  }
  const SystemTarget target = system_target(s, selector, d);
  if (target != SystemTarget::CallGate)
    return enter_task(c, selector, d, target, TaskSwitch::Jump, next_rip);
  const GateTarget t = gate_target(c, selector, d, false);
  enter_code(c, t.code, t.selector, s.cpl(),
             checked_offset(c, t.code, d.gate_offset(), gate_size(s, d)));
}

void far_call(Context c, u16 selector, u64 offset, unsigned operand_size, u64 return_rip) {
  X86State& s = c.state();
  if (!s.protected_mode()) {
    if (offset > s.seg[CS].limit) raise_fault(kGP, 0);
    push_return(c, return_rip, operand_size);
    return enter_real_code(c, selector, offset);
  }
  Descriptor d;
  if (is_null(selector)) raise_fault(kGP, 0);
  if (!find_descriptor(c, selector, d) || d.is_data()) raise_fault(kGP, error_of(selector));
  if (d.is_code()) {
    check_direct(s, selector, d);
    offset = checked_offset(c, d, offset, operand_size);
    push_return(c, return_rip, operand_size);
    return enter_code(c, d, selector, s.cpl(), offset);
  }
  const SystemTarget target = system_target(s, selector, d);
  if (target == SystemTarget::CallGate) return call_through_gate(c, selector, d, return_rip);
  enter_task(c, selector, d, target, TaskSwitch::Call, return_rip);
}

void far_return(Context c, unsigned operand_size, unsigned pop_bytes) {
  X86State& s = c.state();
  Stack stack(c);
  const u64 offset = stack.pop(operand_size);
  const u16 selector = static_cast<u16>(stack.pop(operand_size));
  if (!s.protected_mode()) {
    stack.skip(pop_bytes);
    enter_real_code(c, selector, offset);
    stack.commit(s);
    return;
  }
  const Descriptor code = return_code_segment(c, selector);
  const u64 target = checked_offset(c, code, offset, operand_size);
  const unsigned rpl = selector & 3u;
  stack.skip(pop_bytes);
  if (rpl == s.cpl()) {
    enter_code(c, code, selector, rpl, target);
    stack.commit(s);
    return;
  }
  const u64 outer_sp = stack.pop(operand_size);
  const u16 outer_ss = static_cast<u16>(stack.pop(operand_size));
  const Segment segment = return_stack_segment(c, outer_ss, code, rpl);
  enter_code(c, code, selector, rpl, target);
  s.seg[SS] = segment;
  Stack outer(c, segment, s.gpr[RSP], s.code64(), rpl, 0);
  outer.set_pointer(outer_sp);
  outer.skip(pop_bytes);
  outer.commit(s);
  drop_inner_segments(s);
}

}  // namespace backplane::x86
