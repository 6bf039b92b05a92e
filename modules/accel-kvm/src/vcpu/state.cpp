// SPDX-License-Identifier: MIT
#include "vcpu/state.h"

#include <x86intrin.h>

#include <algorithm>
#include <cstring>

#include "kernel/list.h"

namespace backplane::kvm {
namespace {

using x86::Segment;
using x86::X86State;

// Attributes as a descriptor has them: type, S, DPL, P; AVL, L, D/B, G from bit 12 on.
kvm_segment to_segment(const Segment& s) {
  kvm_segment k{};
  k.base = s.base;
  k.limit = s.limit;
  k.selector = s.selector;
  k.type = s.attributes & 0xf;
  k.s = s.attributes >> 4 & 1;
  k.dpl = s.attributes >> 5 & 3;
  k.present = s.attributes >> 7 & 1;
  k.avl = s.attributes >> 12 & 1;
  k.l = s.attributes >> 13 & 1;
  k.db = s.attributes >> 14 & 1;
  k.g = s.attributes >> 15 & 1;
  k.unusable = !s.present();
  return k;
}

Segment from_segment(const kvm_segment& k) {
  Segment s;
  s.base = k.base;
  s.limit = k.limit;
  s.selector = k.selector;
  if (k.unusable == 0)
    s.attributes = static_cast<u16>(k.type | k.s << 4 | k.dpl << 5 | k.present << 7 | k.avl << 12 |
                                    k.l << 13 | k.db << 14 | k.g << 15);
  return s;
}

// In the order of X86State::gpr.
constexpr __u64 kvm_regs::*kGeneral[16] = {
    &kvm_regs::rax, &kvm_regs::rcx, &kvm_regs::rdx, &kvm_regs::rbx,
    &kvm_regs::rsp, &kvm_regs::rbp, &kvm_regs::rsi, &kvm_regs::rdi,
    &kvm_regs::r8,  &kvm_regs::r9,  &kvm_regs::r10, &kvm_regs::r11,
    &kvm_regs::r12, &kvm_regs::r13, &kvm_regs::r14, &kvm_regs::r15};
constexpr kvm_segment kvm_sregs::*kSegments[6] = {&kvm_sregs::es, &kvm_sregs::cs, &kvm_sregs::ss,
                                                  &kvm_sregs::ds, &kvm_sregs::fs, &kvm_sregs::gs};

struct Msr {
  u32 index;
  u64 X86State::*field;
};
constexpr Msr kMsrs[] = {
    {0xc0000081, &X86State::star},          {0xc0000082, &X86State::lstar},
    {0xc0000083, &X86State::cstar},         {0xc0000084, &X86State::sfmask},
    {0xc0000102, &X86State::kernel_gs_base}, {0xc0000103, &X86State::tsc_aux},
    {0x174, &X86State::sysenter_cs},        {0x175, &X86State::sysenter_esp},
    {0x176, &X86State::sysenter_eip},       {0x277, &X86State::pat},
    {0x1a0, &X86State::misc_enable},        {0x2ff, &X86State::mtrr_def_type},
};
constexpr u32 kTscMsr = 0x10;

bool get_msr(const Descriptor& vcpu, u32 index, u64& value) {
  List<kvm_msr_entry> list({kvm_msr_entry{index, 0, 0}});
  if (vcpu.try_call(kGetMsrs, list.get()) != 1) return false;
  value = list.entry(0).data;
  return true;
}

void set_msr(const Descriptor& vcpu, u32 index, u64 value) {
  u64 now = 0;
  if (!get_msr(vcpu, index, now) || (now == value && index != kTscMsr)) return;
  List<kvm_msr_entry> list({kvm_msr_entry{index, 0, value}});
  vcpu.try_call(kSetMsrs, list.get());
}

}  // namespace

void from_kernel(const kvm_sync_regs& from, X86State& to) {
  for (unsigned n = 0; n < 16; ++n) to.gpr[n] = from.regs.*kGeneral[n];
  to.rip = from.regs.rip;
  to.rflags = from.regs.rflags;
  const kvm_sregs& s = from.sregs;
  for (unsigned n = 0; n < 6; ++n) to.seg[n] = from_segment(s.*kSegments[n]);
  to.ldtr = from_segment(s.ldt);
  to.tr = from_segment(s.tr);
  to.gdtr = {s.gdt.limit, s.gdt.base};
  to.idtr = {s.idt.limit, s.idt.base};
  to.cr0 = s.cr0;
  to.cr2 = s.cr2;
  to.cr3 = s.cr3;
  to.cr4 = s.cr4;
  to.efer = s.efer;
  to.interrupt_shadow = from.events.interrupt.shadow != 0 ? 1 : 0;
  to.nmi_blocked = from.events.nmi.masked;
}

void to_kernel(const X86State& from, kvm_sync_regs& to) {
  for (unsigned n = 0; n < 16; ++n) to.regs.*kGeneral[n] = from.gpr[n];
  to.regs.rip = from.rip;
  to.regs.rflags = from.rflags;
  kvm_sregs& s = to.sregs;
  for (unsigned n = 0; n < 6; ++n) s.*kSegments[n] = to_segment(from.seg[n]);
  s.ldt = to_segment(from.ldtr);
  s.tr = to_segment(from.tr);
  s.gdt.limit = from.gdtr.limit;
  s.gdt.base = from.gdtr.base;
  s.idt.limit = from.idtr.limit;
  s.idt.base = from.idtr.base;
  s.cr0 = from.cr0;
  s.cr2 = from.cr2;
  s.cr3 = from.cr3;
  s.cr4 = from.cr4;
  s.efer = from.efer;
  to.events.interrupt.shadow = from.interrupt_shadow != 0 ? KVM_X86_SHADOW_INT_STI : 0;
  to.events.nmi.masked = from.nmi_blocked;
  to.events.flags |= KVM_VCPUEVENT_VALID_SHADOW;
}

void load_others(const Descriptor& vcpu, X86State& to) {
  XsaveArea xsave;
  vcpu.call("cannot read the FPU", kGetXsave, &xsave);
  std::memcpy(to.xsave, xsave.image, sizeof to.xsave);
  kvm_xcrs xcrs{};
  if (vcpu.try_call(KVM_GET_XCRS, &xcrs) >= 0 && xcrs.nr_xcrs != 0) to.xcr0 = xcrs.xcrs[0].value;
  kvm_debugregs debug{};
  if (vcpu.try_call(KVM_GET_DEBUGREGS, &debug) >= 0) {
    std::copy_n(debug.db, 4, to.dr);
    to.dr[6] = debug.dr6;
    to.dr[7] = debug.dr7;
  }
  for (const Msr& msr : kMsrs) get_msr(vcpu, msr.index, to.*msr.field);
}

void store_others(const Descriptor& vcpu, const X86State& from) {
  kvm_xcrs xcrs{};
  xcrs.nr_xcrs = 1;
  xcrs.xcrs[0].value = from.xcr0;
  vcpu.try_call(KVM_SET_XCRS, &xcrs);
  XsaveArea xsave;
  std::memcpy(xsave.image, from.xsave, sizeof from.xsave);
  vcpu.call("cannot set the FPU", kSetXsave, &xsave);
  kvm_debugregs debug{};
  std::copy_n(from.dr, 4, debug.db);
  debug.dr6 = from.dr[6];
  debug.dr7 = from.dr[7];
  vcpu.try_call(KVM_SET_DEBUGREGS, &debug);
  for (const Msr& msr : kMsrs) set_msr(vcpu, msr.index, from.*msr.field);
}

void store_tsc(const Descriptor& vcpu, u64 value) { set_msr(vcpu, kTscMsr, value); }

i64 tsc_offset(const Descriptor& vcpu) {
  u64 guest = 0;
  const u64 before = __rdtsc();
  get_msr(vcpu, kTscMsr, guest);
  const u64 after = __rdtsc();
  return static_cast<i64>(guest - (before + (after - before) / 2));
}

}  // namespace backplane::kvm
