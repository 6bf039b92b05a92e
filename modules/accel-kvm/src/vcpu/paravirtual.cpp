// SPDX-License-Identifier: MIT
#include "vcpu/paravirtual.h"

#include <asm/kvm_para.h>

#include "vcpu/msrs.h"

namespace backplane::kvm {
namespace {

constexpr u32 bit(unsigned number) { return u32{1} << number; }

// Those that need nothing of us but that forget_guest_pages() knows their registers.
constexpr u32 kOffered = bit(KVM_FEATURE_CLOCKSOURCE) | bit(KVM_FEATURE_CLOCKSOURCE2) |
                         bit(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT) | bit(KVM_FEATURE_NOP_IO_DELAY) |
                         bit(KVM_FEATURE_STEAL_TIME);
constexpr u32 kOfferedWithApic = kOffered | bit(KVM_FEATURE_PV_EOI);

// Their values are addresses of the guest's pages.
constexpr u32 kPages[] = {MSR_KVM_WALL_CLOCK,      MSR_KVM_SYSTEM_TIME, MSR_KVM_WALL_CLOCK_NEW,
                          MSR_KVM_SYSTEM_TIME_NEW, MSR_KVM_STEAL_TIME,  MSR_KVM_PV_EOI_EN};

}  // namespace

std::array<kvm_cpuid_entry2, 2> paravirtual_leaves(u32 last, u32 supported, bool kernel_apic) {
  std::array<kvm_cpuid_entry2, 2> leaves{};
  leaves[0].function = KVM_CPUID_SIGNATURE;
  leaves[0].eax = last;
  leaves[0].ebx = 0x4b4d564b;  // "KVMKVMKVM"
  leaves[0].ecx = 0x564b4d56;
  leaves[0].edx = 0x4d;
  leaves[1].function = KVM_CPUID_FEATURES;
  leaves[1].eax = supported & (kernel_apic ? kOfferedWithApic : kOffered);
  return leaves;
}

// A register of a feature that the kernel does not have is refused, and is not in use.
void forget_guest_pages(const Descriptor& vcpu) {
  for (const u32 msr : kPages) write_msr(vcpu, msr, 0);
}

// Refused to a guest that does not use the clock.
void tell_of_pause(const Descriptor& vcpu) { vcpu.try_call(KVM_KVMCLOCK_CTRL); }

}  // namespace backplane::kvm
