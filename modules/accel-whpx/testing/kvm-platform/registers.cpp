// SPDX-License-Identifier: MIT
// Registers: those that the page has, and those that KVM is asked for.
#include <algorithm>
#include <cstring>

#include "processor.h"
#include "requests.h"

namespace kvm_platform {
namespace {

constexpr __u64 kvm_regs::*kGeneral[] = {
    &kvm_regs::rax, &kvm_regs::rcx, &kvm_regs::rdx,   &kvm_regs::rbx, &kvm_regs::rsp,
    &kvm_regs::rbp, &kvm_regs::rsi, &kvm_regs::rdi,   &kvm_regs::r8,  &kvm_regs::r9,
    &kvm_regs::r10, &kvm_regs::r11, &kvm_regs::r12,   &kvm_regs::r13, &kvm_regs::r14,
    &kvm_regs::r15, &kvm_regs::rip, &kvm_regs::rflags};
constexpr kvm_segment kvm_sregs::*kSegments[] = {&kvm_sregs::es,  &kvm_sregs::cs, &kvm_sregs::ss,
                                                 &kvm_sregs::ds,  &kvm_sregs::fs, &kvm_sregs::gs,
                                                 &kvm_sregs::ldt, &kvm_sregs::tr};

struct System {
  WHV_REGISTER_NAME name;
  __u64 kvm_sregs::*field;
};
constexpr System kSystem[] = {
    {WHvX64RegisterCr0, &kvm_sregs::cr0},
    {WHvX64RegisterCr2, &kvm_sregs::cr2},
    {WHvX64RegisterCr3, &kvm_sregs::cr3},
    {WHvX64RegisterCr4, &kvm_sregs::cr4},
    {WHvX64RegisterCr8, &kvm_sregs::cr8},
    {WHvX64RegisterEfer, &kvm_sregs::efer},
    {WHvX64RegisterApicBase, &kvm_sregs::apic_base},
};

// [SDM 4 "Architectural MSRs"]
struct MsrRegister {
  WHV_REGISTER_NAME name;
  u32 index;
};
constexpr MsrRegister kMsrs[] = {
    {WHvX64RegisterTsc, 0x10},          {WHvX64RegisterSysenterCs, 0x174},
    {WHvX64RegisterSysenterEsp, 0x175}, {WHvX64RegisterSysenterEip, 0x176},
    {WHvX64RegisterPat, 0x277},         {WHvX64RegisterStar, 0xc0000081},
    {WHvX64RegisterLstar, 0xc0000082},  {WHvX64RegisterCstar, 0xc0000083},
    {WHvX64RegisterSfmask, 0xc0000084}, {WHvX64RegisterKernelGsBase, 0xc0000102},
    {WHvX64RegisterTscAux, 0xc0000103},
};

bool is_between(WHV_REGISTER_NAME name, u32 first, u32 last) {
  return name >= first && name <= last;
}

// A descriptor's bits 40 to 55, of which KVM wants each in a field of its own.
void to_kvm(const WHV_X64_SEGMENT_REGISTER& from, kvm_segment& to) {
  const u16 bits = from.Attributes;
  to = {};
  to.base = from.Base;
  to.limit = from.Limit;
  to.selector = from.Selector;
  to.type = bits & 0xf;
  to.s = bits >> 4 & 1;
  to.dpl = bits >> 5 & 3;
  to.present = bits >> 7 & 1;
  to.avl = bits >> 12 & 1;
  to.l = bits >> 13 & 1;
  to.db = bits >> 14 & 1;
  to.g = bits >> 15;
  to.unusable = to.present == 0;
}

void from_kvm(const kvm_segment& from, WHV_X64_SEGMENT_REGISTER& to) {
  to = {.Base = from.base, .Limit = from.limit, .Selector = from.selector, .Attributes = 0};
  if (from.unusable != 0) return;
  const unsigned access = from.type | from.s << 4 | from.dpl << 5 | from.present << 7;
  const unsigned size = from.avl | from.l << 1 | from.db << 2 | from.g << 3;
  to.Attributes = static_cast<u16>(access | size << 12);
}

template <class Table>
const Table* find(WHV_REGISTER_NAME name, const Table* begin, const Table* end) {
  const Table* const found =
      std::find_if(begin, end, [name](const Table& row) { return row.name == name; });
  return found == end ? nullptr : found;
}

}  // namespace

bool Processor::get(WHV_REGISTER_NAME name, WHV_REGISTER_VALUE& value) {
  value = {};
  return get_shared(name, value) || get_event(name, value) || get_fpu(name, value) ||
         get_other(name, value);
}

bool Processor::set(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& value) {
  return set_shared(name, value) || set_event(name, value) || set_fpu(name, value) ||
         set_other(name, value);
}

bool Processor::get_shared(WHV_REGISTER_NAME name, WHV_REGISTER_VALUE& value) const {
  const kvm_sync_regs& shared = run_->s.regs;
  if (is_between(name, WHvX64RegisterRax, WHvX64RegisterRflags))
    value.Reg64 = shared.regs.*kGeneral[name];
  else if (is_between(name, WHvX64RegisterEs, WHvX64RegisterTr))
    from_kvm(shared.sregs.*kSegments[name - WHvX64RegisterEs], value.Segment);
  else if (name == WHvX64RegisterGdtr)
    value.Table = {.Pad = {}, .Limit = shared.sregs.gdt.limit, .Base = shared.sregs.gdt.base};
  else if (name == WHvX64RegisterIdtr)
    value.Table = {.Pad = {}, .Limit = shared.sregs.idt.limit, .Base = shared.sregs.idt.base};
  else if (const System* row = find(name, std::begin(kSystem), std::end(kSystem)))
    value.Reg64 = shared.sregs.*(row->field);
  else
    return false;
  return true;
}

bool Processor::set_shared(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& value) {
  kvm_sync_regs& shared = run_->s.regs;
  if (is_between(name, WHvX64RegisterRax, WHvX64RegisterRflags)) {
    shared.regs.*kGeneral[name] = value.Reg64;
    // KVM forgets events that wait when general registers are set: they go with them.
    mark_dirty(KVM_SYNC_X86_REGS | KVM_SYNC_X86_EVENTS);
    return true;
  }
  if (is_between(name, WHvX64RegisterEs, WHvX64RegisterTr)) {
    to_kvm(value.Segment, shared.sregs.*kSegments[name - WHvX64RegisterEs]);
  } else if (name == WHvX64RegisterGdtr || name == WHvX64RegisterIdtr) {
    kvm_dtable& table = name == WHvX64RegisterGdtr ? shared.sregs.gdt : shared.sregs.idt;
    table.base = value.Table.Base;
    table.limit = value.Table.Limit;
  } else if (const System* row = find(name, std::begin(kSystem), std::end(kSystem))) {
    shared.sregs.*(row->field) = value.Reg64;
  } else {
    return false;
  }
  mark_dirty(KVM_SYNC_X86_SREGS);
  return true;
}

bool Processor::get_other(WHV_REGISTER_NAME name, WHV_REGISTER_VALUE& value) const {
  if (const MsrRegister* row = find(name, std::begin(kMsrs), std::end(kMsrs)))
    return access_msr(row->index, value.Reg64, false);
  if (name == WHvX64RegisterXCr0) return access_xcr0(value.Reg64, false);
  return access_debug(name, value.Reg64, false);
}

bool Processor::set_other(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& value) {
  u64 word = value.Reg64;
  if (const MsrRegister* row = find(name, std::begin(kMsrs), std::end(kMsrs))) {
    // Some refuse what they have.
    u64 now = 0;
    if (access_msr(row->index, now, false) && now == word) return true;
    return access_msr(row->index, word, true);
  }
  if (name == WHvX64RegisterXCr0) return access_xcr0(word, true);
  debug_registers_changed_ = true;
  return access_debug(name, word, true);
}

bool Processor::access_msr(u32 index, u64& value, bool write) const {
  struct {
    CountedList header{1, 0};
    kvm_msr_entry entry;
  } list;
  list.entry = {.index = index, .reserved = 0, .data = value};
  if (fd_.attempt(write ? kSetMsrs : kGetMsrs, &list) != 1) return false;
  value = list.entry.data;
  return true;
}

bool Processor::access_xcr0(u64& value, bool write) const {
  kvm_xcrs registers{};
  registers.nr_xcrs = 1;
  registers.xcrs[0].value = value;
  if (fd_.attempt(write ? KVM_SET_XCRS : KVM_GET_XCRS, &registers) < 0) return false;
  value = registers.xcrs[0].value;
  return true;
}

bool Processor::access_debug(WHV_REGISTER_NAME name, u64& value, bool write) const {
  if (!is_between(name, WHvX64RegisterDr0, WHvX64RegisterDr7)) return false;
  kvm_debugregs registers{};
  fd_.call(KVM_GET_DEBUGREGS, &registers);
  __u64& place = name == WHvX64RegisterDr7   ? registers.dr7
                 : name == WHvX64RegisterDr6 ? registers.dr6
                                             : registers.db[name - WHvX64RegisterDr0];
  if (!write) {
    value = place;
    return true;
  }
  place = value;
  return fd_.attempt(KVM_SET_DEBUGREGS, &registers) >= 0;
}

}  // namespace kvm_platform
