// SPDX-License-Identifier: MIT
// IRET in every mode. [SDM 2A "IRET/IRETD/IRETQ-Interrupt Return"]
#include "far_transfer.h"
#include "flags.h"
#include "stack.h"
#include "task_switch.h"

namespace backplane::x86 {

namespace {

struct Frame {
  u64 rip;
  u16 cs;
  u64 flags;
};

Frame pop_frame(Stack& stack, unsigned size) {
  Frame f{};
  f.rip = stack.pop(size);
  f.cs = static_cast<u16>(stack.pop(size));
  f.flags = stack.pop(size);
  return f;
}

void return_real(Context c, unsigned size) {
  X86State& s = c.state();
  // In virtual-8086 mode without its extensions.
  if (s.cpl() == 3 && (s.rflags & kIOPL) != kIOPL) raise_fault(kGP, 0);
  Stack stack(c);
  const Frame f = pop_frame(stack, size);
  enter_real_code(c, f.cs, f.rip);
  stack.commit(s);
  const u64 vm = s.rflags & kVM;
  s.rflags = flags_after_return(s, f.flags, size) | vm;
}

void return_to_task(Context c, u64 next_rip) {
  X86State& s = c.state();
  if (s.long_mode_active()) raise_fault(kGP, 0);
  const u16 link = c.memory.load<u16>(s.tr.base, Privilege::ImplicitSupervisor);
  switch_task(c, link, TaskSwitch::Return, next_rip);
}

void return_to_v86(Context c, const Frame& f, Stack& stack) {
  X86State& s = c.state();
  const u64 sp = stack.pop(4);
  u16 selectors[6] = {};
  for (const SegReg reg : {SS, ES, DS, FS, GS}) selectors[reg] = static_cast<u16>(stack.pop(4));
  selectors[CS] = f.cs;
  const u64 flags = flags_after_return(s, f.flags, 4);
  s.rflags = flags | kVM | (f.flags & (kVIF | kVIP));
  for (const SegReg reg : {ES, CS, SS, DS, FS, GS}) load_segment(c, reg, selectors[reg]);
  s.gpr[RSP] = sp;
  s.rip = f.rip & 0xffff;
}

// 64-bit mode reads the whole frame at once: the return path of each interrupt and page fault.
void return_long(Context c) {
  X86State& s = c.state();
  u64 frame[5];
  const u64 rsp = s.gpr[RSP];
  if (!is_canonical(rsp) || !is_canonical(rsp + sizeof frame - 1)) raise_fault(kSSVector, 0);
  c.memory.read(rsp, frame, sizeof frame, s.cpl() == 3 ? Privilege::User : Privilege::Supervisor);
  const u16 cs = static_cast<u16>(frame[1]), ss = static_cast<u16>(frame[4]);
  const Descriptor code = return_code_segment(c, cs);
  const u64 rip = checked_offset(c, code, frame[0], 8);
  const unsigned cpl = cs & 3u;
  const bool outer = cpl > s.cpl();
  const Segment stack_segment = return_stack_segment(c, ss, code, cpl);
  const u64 flags = flags_after_return(s, frame[2], 8);
  enter_code(c, code, cs, cpl, rip);
  s.rflags = flags;
  s.gpr[RSP] = frame[3];
  s.seg[SS] = stack_segment;
  if (outer) drop_inner_segments(s);
}

void return_protected(Context c, unsigned size) {
  X86State& s = c.state();
  Stack stack(c);
  const Frame f = pop_frame(stack, size);
  if (size == 4 && (f.flags & kVM) != 0 && s.cpl() == 0 && !s.long_mode_active())
    return return_to_v86(c, f, stack);
  const Descriptor code = return_code_segment(c, f.cs);
  const u64 rip = checked_offset(c, code, f.rip, size);
  const unsigned cpl = f.cs & 3u;
  const u64 flags = flags_after_return(s, f.flags, size);
  // 64-bit mode pops the stack always.
  if (cpl == s.cpl() && !s.code64()) {
    enter_code(c, code, f.cs, cpl, rip);
    stack.commit(s);
    s.rflags = flags;
    return;
  }
  const bool outer = cpl > s.cpl();
  const u64 sp = stack.pop(size);
  const u16 ss = static_cast<u16>(stack.pop(size));
  const Segment segment = return_stack_segment(c, ss, code, cpl);
  enter_code(c, code, f.cs, cpl, rip);
  s.rflags = flags;
  s.seg[SS] = segment;
  Stack fresh(c, segment, s.gpr[RSP], s.code64(), cpl, 0);
  fresh.set_pointer(sp);
  fresh.commit(s);
  if (outer) drop_inner_segments(s);
}

}  // namespace

void iret(Context c, unsigned operand_size, u64 next_rip) {
  X86State& s = c.state();
  if (!s.protected_mode())
    return_real(c, operand_size);
  else if ((s.rflags & kNT) != 0)
    return_to_task(c, next_rip);
  else if (operand_size == 8)
    return_long(c);
  else
    return_protected(c, operand_size);
  s.nmi_blocked = 0;
}

}  // namespace backplane::x86
