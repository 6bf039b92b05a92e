// SPDX-License-Identifier: MIT
#include "reset.h"

#include <cstring>

namespace backplane::x86 {

namespace {

constexpr u16 kPresentReadWrite = 0x93, kPresentLdt = 0x82, kBusyTss = 0x8b;

Segment real_mode_segment(u16 selector, u64 base) {
  return {.selector = selector, .attributes = kPresentReadWrite, .limit = 0xffff, .base = base};
}

void reset_registers(X86State& s, u32 signature) {
  std::memset(s.gpr, 0, sizeof s.gpr);
  s.gpr[RDX] = signature;
  s.rip = 0xfff0;
  s.rflags = 2;
  for (Segment& segment : s.seg) segment = real_mode_segment(0, 0);
  s.seg[CS] = real_mode_segment(0xf000, 0xffff0000);
  s.ldtr = {.selector = 0, .attributes = kPresentLdt, .limit = 0xffff, .base = 0};
  s.tr = {.selector = 0, .attributes = kBusyTss, .limit = 0xffff, .base = 0};
  s.gdtr = {.limit = 0xffff, .base = 0};
  s.idtr = {.limit = 0xffff, .base = 0};
  s.cr2 = s.cr3 = s.cr4 = 0;
  s.efer = 0;
  std::memset(s.pdpte, 0, sizeof s.pdpte);
  std::memset(s.dr, 0, sizeof s.dr);
  s.dr[6] = 0xffff0ff0;
  s.dr[7] = 0x400;
  s.interrupt_shadow = s.nmi_blocked = s.shutdown = s.wait_for_sipi = 0;
  s.debug_traps = 0;
}

// x87 and SSE registers as after power-on, in the standard XSAVE format.
void reset_fpu(X86State& s) {
  std::memset(s.xsave, 0, sizeof s.xsave);
  const u16 control = 0x0040;
  const u8 tags = 0xff;  // abridged: no register is empty
  const u32 mxcsr = 0x1f80, mxcsr_mask = 0xffff;
  const u64 xstate_bv = 3;
  std::memcpy(s.xsave + 0, &control, sizeof control);
  std::memcpy(s.xsave + 4, &tags, sizeof tags);
  std::memcpy(s.xsave + 24, &mxcsr, sizeof mxcsr);
  std::memcpy(s.xsave + 28, &mxcsr_mask, sizeof mxcsr_mask);
  std::memcpy(s.xsave + 512, &xstate_bv, sizeof xstate_bv);
}

}  // namespace

void reset_state(X86State& s, u32 signature) {
  s.reset();
  reset_registers(s, signature);
  reset_fpu(s);
  s.cr0 = kCr0ET | kCr0NW | kCr0CD;
  s.misc_enable = 1;  // fast strings
}

void init_state(X86State& s, u32 signature) {
  reset_registers(s, signature);
  s.cr0 = kCr0ET | (s.cr0 & (kCr0NW | kCr0CD));
}

void startup_state(X86State& s, u8 vector) {
  s.seg[CS] = real_mode_segment(static_cast<u16>(vector << 8), u64{vector} << 12);
  s.rip = 0;
  s.wait_for_sipi = 0;
}

}  // namespace backplane::x86
