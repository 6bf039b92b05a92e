// SPDX-License-Identifier: MIT
#include "descriptor.h"

namespace backplane::x86 {

namespace {

constexpr Privilege kTables = Privilege::ImplicitSupervisor;

// Base and limit of the table that a selector refers to; limit -1 if there is none.
struct Table {
  u64 base;
  i64 limit;
};
Table table_of(const X86State& s, u16 selector) {
  if ((selector & 4) == 0) return {s.gdtr.base, s.gdtr.limit};
  if (!s.ldtr.present()) return {0, -1};
  return {s.ldtr.base, i64{s.ldtr.limit}};
}

bool tss_is_16bit(const X86State& s) { return (s.tr.type() & 8) == 0; }

[[noreturn]] void bad_tss(const X86State& s, u32 external) {
  raise_fault(kTS, error_of(s.tr.selector) | external);
}

u64 stack_from_tss64(Context c, unsigned offset, u32 external) {
  const X86State& s = c.state();
  if (offset + 7 > s.tr.limit) bad_tss(s, external);
  const u64 rsp = c.memory.load<u64>(s.tr.base + offset, kTables);
  if (!is_canonical(rsp)) raise_fault(kSSVector, external);
  return rsp;
}

}  // namespace

bool find_descriptor(Context c, u16 selector, Descriptor& d) {
  const Table table = table_of(c.state(), selector);
  const u16 offset = selector & 0xfff8;
  if (i64{offset} + 7 > table.limit) return false;
  d.address = table.base + offset;
  d.low = c.memory.load<u64>(d.address, kTables);
  d.high = 0;
  return true;
}

bool read_upper_half(Context c, u16 selector, Descriptor& d) {
  const Table table = table_of(c.state(), selector);
  if (i64{selector & 0xfff8} + 15 > table.limit) return false;
  d.high = c.memory.load<u64>(d.address + 8, kTables);
  return true;
}

void mark_accessed(Context c, Descriptor& d) {
  if (d.accessed()) return;
  d.low |= u64{1} << 40;
  c.memory.store<u8>(d.address + 5, static_cast<u8>(d.low >> 40), kTables);
}

void set_busy(Context c, const Descriptor& d, bool busy) {
  const u8 access = static_cast<u8>(d.low >> 40);
  c.memory.store<u8>(d.address + 5, static_cast<u8>(busy ? access | 2 : access & ~2), kTables);
}

bool within_limit(const Segment& segment, u64 offset, unsigned size) {
  const u64 last = offset + size - 1;
  const bool expands_down = (segment.attributes & 0x1c) == 0x14;
  if (!expands_down) return last >= offset && last <= segment.limit;
  return offset > segment.limit && last <= (segment.big() ? 0xffffffffu : 0xffffu);
}

Segment checked_stack_segment(Context c, u16 selector, unsigned cpl, u8 vector, u32 external) {
  Descriptor d;
  if (is_null(selector)) raise_fault(vector, external);
  const u32 error = error_of(selector) | external;
  if (!find_descriptor(c, selector, d) || (selector & 3u) != cpl || !d.writable() || d.dpl() != cpl)
    raise_fault(vector, error);
  if (!d.present()) raise_fault(kSSVector, error);
  mark_accessed(c, d);
  return d.segment(selector);
}

InnerStack inner_stack(Context c, unsigned cpl, u32 external) {
  const X86State& s = c.state();
  const bool small = tss_is_16bit(s);
  const unsigned offset = small ? 2 + 4 * cpl : 4 + 8 * cpl;
  const unsigned size = small ? 4 : 6;
  if (offset + size - 1 > s.tr.limit) bad_tss(s, external);
  InnerStack stack;
  u16 selector = 0;
  if (small) {
    stack.pointer = c.memory.load<u16>(s.tr.base + offset, kTables);
    selector = c.memory.load<u16>(s.tr.base + offset + 2, kTables);
  } else {
    stack.pointer = c.memory.load<u32>(s.tr.base + offset, kTables);
    selector = c.memory.load<u16>(s.tr.base + offset + 4, kTables);
  }
  stack.segment = checked_stack_segment(c, selector, cpl, kTS, external);
  return stack;
}

u64 inner_stack64(Context c, unsigned cpl, u32 external) {
  return stack_from_tss64(c, 4 + 8 * cpl, external);
}

u64 interrupt_stack64(Context c, unsigned ist, u32 external) {
  return stack_from_tss64(c, 0x24 + 8 * (ist - 1), external);
}

Segment null_stack_segment(unsigned cpl) {
  return {.selector = static_cast<u16>(cpl),
          .attributes = static_cast<u16>(0xc093 | (cpl << 5)),
          .limit = 0xffffffff,
          .base = 0};
}

void drop_inner_segments(X86State& s) {
  const unsigned cpl = s.cpl();
  for (const SegReg reg : {ES, DS, FS, GS}) {
    Segment& segment = s.seg[reg];
    const bool conforming_code = (segment.attributes & 0x1c) == 0x1c;
    if (!is_null(segment.selector) && (segment.dpl() >= cpl || conforming_code)) continue;
    // The base counts in 64-bit mode, whatever the selector.
    const bool keeps_base = s.long_mode_active() && reg >= FS;
    segment = {.selector = 0, .attributes = 0, .limit = 0, .base = keeps_base ? segment.base : 0};
  }
}

}  // namespace backplane::x86
