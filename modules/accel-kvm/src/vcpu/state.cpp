// SPDX-License-Identifier: MIT
#include "vcpu/state.h"

#include <x86intrin.h>

#include "vcpu/msrs.h"

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

// Where the processor does not tell the two kinds apart, both bits are set.
x86::InterruptShadow from_shadow(u8 kernel) {
  if (kernel == KVM_X86_SHADOW_INT_MOV_SS) return x86::kShadowSs;
  return kernel != 0 ? x86::kShadowSti : x86::kNoShadow;
}

u8 to_shadow(u8 shadow) {
  if (shadow == x86::kShadowSs) return KVM_X86_SHADOW_INT_MOV_SS;
  return shadow != x86::kNoShadow ? KVM_X86_SHADOW_INT_STI : 0;
}

// In the order of X86State::gpr.
constexpr __u64 kvm_regs::*kGeneral[16] = {
    &kvm_regs::rax, &kvm_regs::rcx, &kvm_regs::rdx, &kvm_regs::rbx, &kvm_regs::rsp, &kvm_regs::rbp,
    &kvm_regs::rsi, &kvm_regs::rdi, &kvm_regs::r8,  &kvm_regs::r9,  &kvm_regs::r10, &kvm_regs::r11,
    &kvm_regs::r12, &kvm_regs::r13, &kvm_regs::r14, &kvm_regs::r15};
constexpr kvm_segment kvm_sregs::*kSegments[6] = {&kvm_sregs::es, &kvm_sregs::cs, &kvm_sregs::ss,
                                                  &kvm_sregs::ds, &kvm_sregs::fs, &kvm_sregs::gs};

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
  to.interrupt_shadow = from_shadow(from.events.interrupt.shadow);
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
  to.events.interrupt.shadow = to_shadow(from.interrupt_shadow);
  to.events.nmi.masked = from.nmi_blocked;
  to.events.flags |= KVM_VCPUEVENT_VALID_SHADOW;
}

// The kernel takes MXCSR only beside XMM or YMM registers that are in use, and forgets it
// otherwise. AMD's processors call them unused whenever all of them are zero.
void fpu_to_kernel(const X86State& from, XsaveArea& to) {
  constexpr std::size_t kMxcsr = 24, kXmm = 160, kXmmSize = 256, kInUse = 512;
  constexpr u32 kMxcsrInitial = 0x1f80;
  constexpr u64 kSse = 2, kAvx = 4;
  std::memcpy(to.image, from.xsave, sizeof from.xsave);
  u32 mxcsr = 0;
  u64 in_use = 0;
  std::memcpy(&mxcsr, to.image + kMxcsr, sizeof mxcsr);
  std::memcpy(&in_use, to.image + kInUse, sizeof in_use);
  if (mxcsr == kMxcsrInitial || (in_use & (kSse | kAvx)) != 0) return;
  std::memset(to.image + kXmm, 0, kXmmSize);
  in_use |= kSse;
  std::memcpy(to.image + kInUse, &in_use, sizeof in_use);
}

i64 tsc_offset(const Descriptor& vcpu) {
  const u64 before = __rdtsc();
  const u64 guest = read_msr(vcpu, kTscMsr).value_or(0);
  const u64 after = __rdtsc();
  return static_cast<i64>(guest - (before + (after - before) / 2));
}

}  // namespace backplane::kvm
