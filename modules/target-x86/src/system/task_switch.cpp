// SPDX-License-Identifier: MIT
#include "task_switch.h"

#include <cstring>

#include "backplane/machine.h"
#include "descriptor.h"

namespace backplane::x86 {

namespace {

constexpr Privilege kTables = Privilege::ImplicitSupervisor;
constexpr SegReg kSegmentOrder[] = {ES, CS, SS, DS, FS, GS};

// Where things lie in a TSS. [SDM 3A "Task-State Segment (TSS)", "16-Bit Task-State Segment"]
struct Layout {
  unsigned minimum_limit;
  unsigned size;  // of a register, in bytes
  unsigned cr3;   // 0: none
  unsigned ip, flags, registers, segments, segment_count, segment_stride, ldt;
  unsigned trap;  // 0: none
};
constexpr Layout kLayout32 = {0x67, 4, 28, 32, 36, 40, 72, 6, 4, 96, 100};
constexpr Layout kLayout16 = {0x2b, 2, 0, 14, 16, 18, 34, 4, 2, 42, 0};

const Layout& layout_of(const Descriptor& d) { return (d.type() & 8) != 0 ? kLayout32 : kLayout16; }
const Layout& layout_of(const Segment& tr) { return (tr.type() & 8) != 0 ? kLayout32 : kLayout16; }

u32 field(const u8* image, unsigned offset, unsigned size) {
  u32 value = 0;
  std::memcpy(&value, image + offset, size);
  return value;
}
void set_field(u8* image, unsigned offset, unsigned size, u64 value) {
  std::memcpy(image + offset, &value, size);
}

void save_old_task(Context c, u64 next_rip, u64 flags) {
  const X86State& s = c.state();
  const Layout& l = layout_of(s.tr);
  u8 image[0x68] = {};
  // Only the part from IP to the last segment selector is written.
  set_field(image, l.ip, l.size, next_rip);
  set_field(image, l.flags, l.size, flags);
  for (unsigned i = 0; i < 8; ++i) set_field(image, l.registers + i * l.size, l.size, s.gpr[i]);
  for (unsigned i = 0; i < l.segment_count; ++i)
    set_field(image, l.segments + i * l.segment_stride, 2, s.seg[kSegmentOrder[i]].selector);
  const unsigned end = l.segments + l.segment_count * l.segment_stride;
  c.memory.write(s.tr.base + l.ip, image + l.ip, end - l.ip, kTables);
}

Descriptor find_tss(Context c, u16 selector, TaskSwitch kind, u32 external) {
  const bool returning = kind == TaskSwitch::Return;
  const u8 vector = returning ? kTS : kGP;
  const u32 error = error_of(selector) | external;
  Descriptor d;
  if ((selector & 4) != 0 || is_null(selector) || !find_descriptor(c, selector, d))
    raise_fault(vector, error);
  const unsigned available = d.type() & ~2u;
  const bool busy = (d.type() & 2) != 0;
  if (!d.is_system() || (available != kTss16 && available != kTss32) || busy != returning)
    raise_fault(vector, error);
  if (!d.present()) raise_fault(kNP, error);
  if (d.limit() < layout_of(d).minimum_limit) raise_fault(kTS, error);
  return d;
}

// --- loading the new task: every fault from here on is the new task's ----------------------------

void load_new_ldt(Context c, u16 selector, u32 external) {
  X86State& s = c.state();
  s.ldtr = {.selector = selector, .attributes = 0, .limit = 0, .base = 0};
  if (is_null(selector)) return;
  Descriptor d;
  const u32 error = error_of(selector) | external;
  if ((selector & 4) != 0 || !find_descriptor(c, selector, d) || !d.is_system() ||
      d.type() != kLdt || !d.present())
    raise_fault(kTS, error);
  s.ldtr = d.segment(selector);
}

void load_new_code(Context c, u16 selector, u32 external) {
  X86State& s = c.state();
  Descriptor d;
  const u32 error = error_of(selector) | external;
  if (is_null(selector) || !find_descriptor(c, selector, d) || !d.is_code())
    raise_fault(kTS, error);
  const unsigned rpl = selector & 3u;
  if (d.conforming() ? d.dpl() > rpl : d.dpl() != rpl) raise_fault(kTS, error);
  if (!d.present()) raise_fault(kNP, error);
  mark_accessed(c, d);
  s.seg[CS] = d.segment(selector);
}

void load_new_data(Context c, SegReg reg, u16 selector, unsigned cpl, u32 external) {
  if (is_null(selector)) return;
  Descriptor d;
  const u32 error = error_of(selector) | external;
  if (!find_descriptor(c, selector, d) || !d.readable()) raise_fault(kTS, error);
  if (!d.conforming() && ((selector & 3u) > d.dpl() || cpl > d.dpl())) raise_fault(kTS, error);
  if (!d.present()) raise_fault(kNP, error);
  mark_accessed(c, d);
  c.state().seg[reg] = d.segment(selector);
}

void load_new_segments(Context c, const u16* selectors, u32 external) {
  X86State& s = c.state();
  for (unsigned i = 0; i < 6; ++i)
    s.seg[kSegmentOrder[i]] = {.selector = selectors[i], .attributes = 0, .limit = 0, .base = 0};
  if ((s.rflags & kVM) != 0) {
    for (const SegReg reg : kSegmentOrder) load_segment(c, reg, s.seg[reg].selector);
    return;
  }
  const unsigned cpl = selectors[CS] & 3u;
  s.seg[SS].attributes = static_cast<u16>(cpl << 5);  // the privilege level from now on
  load_new_code(c, selectors[CS], external);
  s.seg[SS] = checked_stack_segment(c, selectors[SS], cpl, kTS, external);
  for (const SegReg reg : {ES, DS, FS, GS}) load_new_data(c, reg, selectors[reg], cpl, external);
}

}  // namespace

u16 task_gate_target(Context c, u64 gate, u32 error) {
  if (c.state().long_mode_active()) raise_fault(kGP, error);
  return static_cast<u16>(gate >> 16);
}

void switch_task(Context c, u16 selector, TaskSwitch kind, u64 next_rip, u32 external,
                 u64 more_flags) {
  X86State& s = c.state();
  Descriptor next = find_tss(c, selector, kind, external);
  const Layout& l = layout_of(next);
  u8 image[0x68] = {};
  c.memory.read(next.base(), image, l.minimum_limit + 1, kTables);

  Descriptor old;
  const bool have_old = find_descriptor(c, s.tr.selector, old);
  const u64 old_flags = kind == TaskSwitch::Return ? s.rflags & ~kNT : s.rflags;
  save_old_task(c, next_rip, old_flags | more_flags);
  const bool nests = kind == TaskSwitch::Call || kind == TaskSwitch::Interrupt;
  if (have_old && !nests) set_busy(c, old, false);
  if (nests) c.memory.store<u16>(next.base(), s.tr.selector, kTables);
  if (kind != TaskSwitch::Return) set_busy(c, next, true);

  s.tr = next.segment(selector);
  s.tr.attributes |= 2;
  s.cr0 |= kCr0TS;
  s.rip = field(image, l.ip, l.size);
  const u64 flags = field(image, l.flags, l.size);  // a 16-bit task's have no upper half
  constexpr u64 kKnownFlags =
      kArithmeticFlags | kTF | kIF | kDF | kIOPL | kNT | kRF | kVM | kAC | kVIF | kVIP | kID;
  s.rflags = (flags & kKnownFlags) | 2 | (nests ? kNT : 0);
  for (unsigned i = 0; i < 8; ++i) {
    const u64 value = field(image, l.registers + i * l.size, l.size);
    s.gpr[i] = l.size == 2 ? value | 0xffff0000 : value;
  }
  s.dr[7] &= ~u64{0x155};  // local breakpoints

  u16 selectors[6] = {};
  for (unsigned i = 0; i < l.segment_count; ++i)
    selectors[kSegmentOrder[i]] =
        static_cast<u16>(field(image, l.segments + i * l.segment_stride, 2));
  // CR3 changes only where paging is on, and never faults here: reserved bits are cut off.
  if (l.cr3 != 0 && (s.cr0 & kCr0PG) != 0) {
    const u64 cr3 = field(image, l.cr3, 4);
    if (cr3 != s.cr3) {
      s.cr3 = cr3;
      if ((s.cr4 & kCr4PAE) != 0)
        for (unsigned i = 0; i < 4; ++i)
          s.pdpte[i] = c.cpu.machine().memory().load<u64>((cr3 & 0xffffffe0) + 8 * i);
      if (c.cpu.observer() != nullptr) c.cpu.observer()->flush_tlb(false);
    }
  }
  load_new_ldt(c, static_cast<u16>(field(image, l.ldt, 2)), external);
  load_new_segments(c, selectors, external);
  if (!within_limit(s.seg[CS], s.rip, 1)) raise_fault(kGP, external);
  // [SDM 3B "Task-Switch Exception Condition"]
  if (l.trap != 0 && (image[l.trap] & 1) != 0) s.debug_traps |= static_cast<u16>(kDr6BT);
}

}  // namespace backplane::x86
