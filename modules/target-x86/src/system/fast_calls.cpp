// SPDX-License-Identifier: MIT
// SYSCALL, SYSRET, SYSENTER, SYSEXIT: transfers with fixed segments.
// [SDM 2B "SYSCALL-Fast System Call", "SYSENTER-Fast System Call"]
#include "descriptor.h"

namespace backplane::x86 {

namespace {

enum class CodeSize : u8 { Bits32, Bits64 };

// Flat code and data segments, as these instructions load them without reading a descriptor.
Segment flat_code(u16 selector, unsigned dpl, CodeSize size) {
  const u16 bits = size == CodeSize::Bits64 ? 0xa09b : 0xc09b;
  return {.selector = static_cast<u16>((selector & ~3u) | dpl),
          .attributes = static_cast<u16>(bits | (dpl << 5)),
          .limit = 0xffffffff,
          .base = 0};
}
Segment flat_stack(u16 selector, unsigned dpl) {
  return {.selector = static_cast<u16>((selector & ~3u) | dpl),
          .attributes = static_cast<u16>(0xc093 | (dpl << 5)),
          .limit = 0xffffffff,
          .base = 0};
}

constexpr u64 kReturnableFlags = 0x3c7fd7;  // all but RF, VM and reserved ones

}  // namespace

void syscall(Context c, u64 return_rip) {
  X86State& s = c.state();
  if ((s.efer & kEferSCE) == 0 || !s.code64()) raise_fault(kUD);
  s.gpr[RCX] = return_rip;
  s.gpr[R11] = s.rflags & ~kRF;
  s.rip = s.lstar;
  s.rflags = (s.rflags & ~(s.sfmask | kRF)) | 2;
  const u16 selector = static_cast<u16>(s.star >> 32);
  s.seg[CS] = flat_code(selector, 0, CodeSize::Bits64);
  s.seg[SS] = flat_stack(static_cast<u16>((selector & ~3u) + 8), 0);
}

void sysret(Context c, unsigned operand_size) {
  X86State& s = c.state();
  if ((s.efer & kEferSCE) == 0 || !s.code64()) raise_fault(kUD);
  const bool to64 = operand_size == 8;
  if (s.cpl() != 0 || (to64 && !is_canonical(s.gpr[RCX]))) raise_fault(kGP, 0);
  s.rip = to64 ? s.gpr[RCX] : static_cast<u32>(s.gpr[RCX]);
  s.rflags = (s.gpr[R11] & kReturnableFlags) | 2;
  const u16 selector = static_cast<u16>(s.star >> 48);
  s.seg[CS] = to64 ? flat_code(static_cast<u16>(selector + 16), 3, CodeSize::Bits64)
                   : flat_code(selector, 3, CodeSize::Bits32);
  s.seg[SS] = flat_stack(static_cast<u16>(selector + 8), 3);
}

void sysenter(Context c) {
  X86State& s = c.state();
  const u16 selector = static_cast<u16>(s.sysenter_cs);
  if ((s.cr0 & kCr0PE) == 0 || is_null(selector)) raise_fault(kGP, 0);
  const bool long_mode = s.long_mode_active();
  s.rflags &= ~(kVM | kIF | kRF);
  s.gpr[RSP] = long_mode ? s.sysenter_esp : static_cast<u32>(s.sysenter_esp);
  s.rip = long_mode ? s.sysenter_eip : static_cast<u32>(s.sysenter_eip);
  s.seg[CS] = flat_code(selector, 0, long_mode ? CodeSize::Bits64 : CodeSize::Bits32);
  s.seg[SS] = flat_stack(static_cast<u16>((selector & ~3u) + 8), 0);
}

void sysexit(Context c, unsigned operand_size) {
  X86State& s = c.state();
  const u16 selector = static_cast<u16>(s.sysenter_cs);
  if ((s.cr0 & kCr0PE) == 0 || is_null(selector) || s.cpl() != 0) raise_fault(kGP, 0);
  const bool to64 = operand_size == 8;
  const u64 rip = s.gpr[RDX], rsp = s.gpr[RCX];
  if (to64 && (!is_canonical(rip) || !is_canonical(rsp))) raise_fault(kGP, 0);
  s.rip = to64 ? rip : static_cast<u32>(rip);
  s.gpr[RSP] = to64 ? rsp : static_cast<u32>(rsp);
  s.seg[CS] = flat_code(static_cast<u16>(selector + (to64 ? 32 : 16)), 3,
                        to64 ? CodeSize::Bits64 : CodeSize::Bits32);
  s.seg[SS] = flat_stack(static_cast<u16>(selector + (to64 ? 40 : 24)), 3);
}

}  // namespace backplane::x86
