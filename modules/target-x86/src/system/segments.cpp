// SPDX-License-Identifier: MIT
// Loading segment registers, LDTR and TR; LAR, LSL, VERR, VERW.
#include "descriptor.h"

namespace backplane::x86 {

namespace {

Segment virtual8086_segment(u16 selector) {
  return {.selector = selector, .attributes = 0xf3, .limit = 0xffff, .base = u64{selector} << 4};
}

void load_stack_segment(Context c, u16 selector) {
  X86State& s = c.state();
  const unsigned cpl = s.cpl();
  if (is_null(selector)) {
    if (!s.code64() || cpl == 3 || (selector & 3u) != cpl) raise_fault(kGP, 0);
    s.seg[SS] = null_stack_segment(cpl);
    return;
  }
  s.seg[SS] = checked_stack_segment(c, selector, cpl, kGP, 0);
}

// The descriptor of a selector, if this privilege level may look at it.
bool visible(Context c, u16 selector, Descriptor& d) {
  if (is_null(selector) || !find_descriptor(c, selector, d)) return false;
  return d.conforming() || (c.state().cpl() <= d.dpl() && (selector & 3u) <= d.dpl());
}

constexpr u32 bit(unsigned type) { return 1u << type; }
constexpr u32 kLslTypes = bit(kTss16) | bit(kLdt) | bit(kBusyTss16) | bit(kTss32) | bit(kBusyTss32);
constexpr u32 kLarTypes = kLslTypes | bit(kCallGate16) | bit(kTaskGate) | bit(kCallGate32);
constexpr u32 kLongModeTypes = bit(kLdt) | bit(kTss32) | bit(kBusyTss32) | bit(kCallGate32);

bool valid_type(const X86State& s, const Descriptor& d, u32 types) {
  if (!d.is_system()) return true;
  if (s.long_mode_active()) types &= kLongModeTypes;
  return (types & bit(d.type())) != 0;
}

void require_protected_cpl0(const X86State& s) {
  if (!s.protected_mode()) raise_fault(kUD);
  if (s.cpl() != 0) raise_fault(kGP, 0);
}

// Finds an LDT or available TSS descriptor in the GDT.
Descriptor find_system(Context c, u16 selector, u32 types) {
  const X86State& s = c.state();
  const u32 error = error_of(selector);
  Descriptor d;
  if ((selector & 4) != 0 || !find_descriptor(c, selector, d)) raise_fault(kGP, error);
  if (!d.is_system() || (types & bit(d.type())) == 0) raise_fault(kGP, error);
  if (s.long_mode_active()) {
    if (!read_upper_half(c, selector, d) || ((d.high >> 40) & 0x1f) != 0) raise_fault(kGP, error);
    d.high &= 0xffffffff;
    if (!is_canonical(d.base())) raise_fault(kGP, error);
  }
  if (!d.present()) raise_fault(kNP, error);
  return d;
}

}  // namespace

void load_segment(Context c, SegReg reg, u16 selector) {
  X86State& s = c.state();
  if (!s.protected_mode()) {
    if ((s.cr0 & kCr0PE) == 0) return load_real(s, reg, selector);
    s.seg[reg] = virtual8086_segment(selector);
    return;
  }
  if (reg == SS) return load_stack_segment(c, selector);
  if (is_null(selector)) {
    s.seg[reg] = {.selector = selector, .attributes = 0, .limit = 0, .base = 0};
    return;
  }
  Descriptor d;
  const u32 error = error_of(selector);
  if (!find_descriptor(c, selector, d) || !d.readable()) raise_fault(kGP, error);
  if (!d.conforming() && ((selector & 3u) > d.dpl() || s.cpl() > d.dpl())) raise_fault(kGP, error);
  if (!d.present()) raise_fault(kNP, error);
  mark_accessed(c, d);
  s.seg[reg] = d.segment(selector);
}

void load_ldt(Context c, u16 selector) {
  X86State& s = c.state();
  require_protected_cpl0(s);
  if (is_null(selector)) {
    s.ldtr = {.selector = selector, .attributes = 0, .limit = 0, .base = 0};
    return;
  }
  s.ldtr = find_system(c, selector, bit(kLdt)).segment(selector);
}

void load_task_register(Context c, u16 selector) {
  X86State& s = c.state();
  require_protected_cpl0(s);
  if (is_null(selector)) raise_fault(kGP, 0);
  const u32 types = s.long_mode_active() ? bit(kTss32) : bit(kTss16) | bit(kTss32);
  const Descriptor d = find_system(c, selector, types);
  set_busy(c, d, true);
  s.tr = d.segment(selector);
  s.tr.attributes |= 2;
}

bool load_access_rights(Context c, u16 selector, u32& value) {
  Descriptor d;
  if (!visible(c, selector, d) || !valid_type(c.state(), d, kLarTypes)) return false;
  value = static_cast<u32>(d.low >> 32) & 0x00f0ff00;
  return true;
}

bool load_segment_limit(Context c, u16 selector, u32& value) {
  Descriptor d;
  if (!visible(c, selector, d) || !valid_type(c.state(), d, kLslTypes)) return false;
  value = d.limit();
  return true;
}

bool verify_read(Context c, u16 selector) {
  Descriptor d;
  return visible(c, selector, d) && d.readable();
}

bool verify_write(Context c, u16 selector) {
  Descriptor d;
  return visible(c, selector, d) && d.writable();
}

}  // namespace backplane::x86
