// SPDX-License-Identifier: MIT
// Exceptions of 64-bit code on the way that most of them take. Compiled without vector registers:
// translated code calls it. [SDM 3A "Exception and Interrupt Handling in 64-bit Mode"]
#include "descriptor.h"

namespace backplane::x86 {

bool deliver_to_kernel64(Context c, PlainMemory& memory, u8 vector, u32 error) {
  constexpr unsigned kGateSize = 16, kLocalTable = 4;
  constexpr unsigned kFirstStack = 0x24, kKernelStack = 4;  // in the TSS
  X86State& s = c.state();
  if (!s.code64() || vector * kGateSize + kGateSize - 1 > s.idtr.limit) return false;
  Descriptor gate, code;
  if (!memory.load(s.idtr.base + vector * kGateSize, gate.low) ||
      !memory.load(s.idtr.base + vector * kGateSize + 8, gate.high))
    return false;
  gate.high &= 0xffffffff;
  const bool interrupt_gate = gate.type() == kInterruptGate32;
  if (!gate.is_system() || !gate.present() || (!interrupt_gate && gate.type() != kTrapGate32))
    return false;

  const u16 selector = gate.gate_selector();
  if (is_null(selector) || (selector & kLocalTable) != 0 || (selector | 7) > s.gdtr.limit ||
      !memory.load(s.gdtr.base + (selector & ~7u), code.low))
    return false;
  const u64 target = gate.gate_offset();
  if (!code.is_code() || code.conforming() || code.dpl() != 0 || !code.present() ||
      !code.accessed() || !code.long_mode() || code.big() || !is_canonical(target))
    return false;

  const bool inner = s.cpl() != 0;
  u64 rsp = s.gpr[RSP];
  if (inner || gate.gate_ist() != 0) {
    const unsigned at =
        gate.gate_ist() != 0 ? kFirstStack + 8 * (gate.gate_ist() - 1) : kKernelStack;
    if (at + 7 > s.tr.limit || !memory.load(s.tr.base + at, rsp) || !is_canonical(rsp))
      return false;
  }
  const u64 frame[] = {error,          s.rip,      s.seg[CS].selector,
                       s.rflags | kRF, s.gpr[RSP], s.seg[SS].selector};
  rsp = (rsp & ~u64{15}) - sizeof frame;
  if (!memory.store(rsp, frame)) return false;

  s.gpr[RSP] = rsp;
  if (inner) s.seg[SS] = null_stack_segment(0);
  s.rflags &= ~(kTF | kNT | kVM | kRF | (interrupt_gate ? kIF : 0));
  s.seg[CS] = code.segment(static_cast<u16>(selector & ~3u));
  s.rip = target;
  return true;
}

}  // namespace backplane::x86
