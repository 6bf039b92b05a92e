// SPDX-License-Identifier: MIT
// SYSCALL, SYSRET, SYSENTER, SYSEXIT: transfers with fixed segments; and IRETQ with those that most
// kernels have. [SDM 2A "IRET/IRETD/IRETQ-Interrupt Return", 2B "SYSCALL-Fast System Call",
// "SYSENTER-Fast System Call", APM 3 "SYSCALL"] Translated code calls SYSCALL, SYSRET, IRETQ,
// loads of segment registers and far jumps.
#include "descriptor.h"
#include "flags.h"

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

void require_syscall(Context c) {
  const X86State& s = c.state();
  if ((s.efer & kEferSCE) == 0) raise_fault(kUD);
  if (s.code64()) return;
  if (!s.protected_mode() || does(c.cpu.vendor(), Difference::SyscallOutside64) == Does::RaisesUd)
    raise_fault(kUD);
}

void require_sysenter(Context c) {
  if (c.state().long_mode_active() &&
      does(c.cpu.vendor(), Difference::SysenterInLongMode) == Does::RaisesUd)
    raise_fault(kUD);
}

// Whether a selector names this descriptor, of the GDT, as a segment of privilege level `cpl` that
// was used before.
bool usable(u16 selector, const Descriptor& d, unsigned cpl) {
  constexpr u16 kLocal = 4;
  return !is_null(selector) && (selector & kLocal) == 0 && (selector & 3u) == cpl &&
         d.dpl() == cpl && d.present() && d.accessed();
}

}  // namespace

bool iret_to_code64(Context c, const u64* frame, u64 code, u64 stack) {
  X86State& s = c.state();
  const u16 cs = static_cast<u16>(frame[1]), ss = static_cast<u16>(frame[4]);
  const unsigned cpl = cs & 3u;
  const Descriptor code_segment{.low = code}, stack_segment{.low = stack};
  if (!s.code64() || s.cpl() != 0 || s.nmi_blocked != 0 || ((s.rflags | frame[2]) & kNT) != 0 ||
      (frame[2] & (kTF | kVM)) != 0 || !is_canonical(frame[0]))
    return false;
  if (!usable(cs, code_segment, cpl) || !code_segment.is_code() || code_segment.conforming() ||
      !code_segment.long_mode() || code_segment.big())
    return false;
  const bool null_stack = is_null(ss) && cpl != 3 && (ss & 3u) == cpl;
  if (!null_stack && (!usable(ss, stack_segment, cpl) || !stack_segment.writable())) return false;
  const u64 flags = flags_after_return(s, frame[2], 8);
  s.seg[CS] = code_segment.segment(cs);
  s.seg[SS] = null_stack ? null_stack_segment(cpl) : stack_segment.segment(ss);
  s.rip = frame[0];
  s.rflags = flags;
  s.gpr[RSP] = frame[3];
  if (cpl != 0) drop_inner_segments(s);
  return true;
}

bool load_data_segment64(X86State& s, SegReg reg, u16 selector, u64 descriptor) {
  constexpr u16 kLocal = 4;
  if ((s.cr0 & kCr0PE) == 0) {
    load_real(s, reg, selector);
    return true;
  }
  if ((s.rflags & kVM) != 0) return false;
  if (reg == SS) {
    if (!usable(selector, Descriptor{.low = descriptor}, s.cpl()) ||
        !Descriptor{.low = descriptor}.writable())
      return false;
    s.seg[SS] = Descriptor{.low = descriptor}.segment(selector);
    return true;
  }
  if (is_null(selector)) {
    s.seg[reg] = {.selector = selector, .attributes = 0, .limit = 0, .base = 0};
    return true;
  }
  const Descriptor d{.low = descriptor};
  if ((selector & kLocal) != 0 || !d.is_data() || !d.present() || !d.accessed() ||
      (selector & 3u) > d.dpl() || s.cpl() > d.dpl())
    return false;
  s.seg[reg] = d.segment(selector);
  return true;
}

bool far_jump_to_code(X86State& s, u16 selector, u32 offset, u64 descriptor) {
  if ((s.cr0 & kCr0PE) == 0) {
    if (offset > s.seg[CS].limit) return false;
    load_real(s, CS, selector);
    s.rip = offset;
    return true;
  }
  const Descriptor code{.low = descriptor};
  if ((s.rflags & kVM) != 0 || s.long_mode_active() || !usable(selector, code, s.cpl()) ||
      !code.is_code() || code.conforming() || offset > code.limit())
    return false;
  s.seg[CS] = code.segment(selector);
  s.rip = offset;
  return true;
}

void syscall(Context c, u64 return_rip) {
  require_syscall(c);
  X86State& s = c.state();
  const bool long_mode = s.long_mode_active();
  s.gpr[RCX] = return_rip;
  if (long_mode) {
    s.gpr[R11] = s.rflags & ~kRF;
    s.rip = s.code64() ? s.lstar : s.cstar;
    s.rflags = (s.rflags & ~(s.sfmask | kRF)) | 2;
  } else {
    s.rip = static_cast<u32>(s.star);
    s.rflags &= ~(kVM | kIF | kRF);
  }
  const u16 selector = static_cast<u16>(s.star >> 32);
  s.seg[CS] = flat_code(selector, 0, long_mode ? CodeSize::Bits64 : CodeSize::Bits32);
  s.seg[SS] = flat_stack(static_cast<u16>((selector & ~3u) + 8), 0);
}

void sysret(Context c, unsigned operand_size) {
  require_syscall(c);
  X86State& s = c.state();
  const bool to64 = operand_size == 8;
  if (s.cpl() != 0 || (to64 && !is_canonical(s.gpr[RCX]))) raise_fault(kGP, 0);
  s.rip = to64 ? s.gpr[RCX] : static_cast<u32>(s.gpr[RCX]);
  s.rflags = s.long_mode_active() ? (s.gpr[R11] & kReturnableFlags) | 2 : s.rflags | kIF;
  const u16 selector = static_cast<u16>(s.star >> 48);
  s.seg[CS] = to64 ? flat_code(static_cast<u16>(selector + 16), 3, CodeSize::Bits64)
                   : flat_code(selector, 3, CodeSize::Bits32);
  s.seg[SS] = flat_stack(static_cast<u16>(selector + 8), 3);
}

void sysenter(Context c) {
  require_sysenter(c);
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
  require_sysenter(c);
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
