// SPDX-License-Identifier: MIT
// What the kernel offers a guest that knows that it runs on KVM: a clock, stolen time, cheaper ends
// of interrupts. [Linux Documentation/virt/kvm/x86/cpuid.rst, Documentation/virt/kvm/x86/msr.rst]
#pragma once

#include <linux/kvm.h>

#include <array>

#include "backplane/x86/cpu.h"
#include "kernel/descriptor.h"

namespace backplane::kvm {

// The leaves that tell the guest. `last`: what other leaves of a hypervisor there are, up to which;
// `supported`: the kernel's answer for the leaf of features. Ends of interrupts are the kernel's if
// the local APICs are.
std::array<kvm_cpuid_entry2, 2> paravirtual_leaves(u32 last, u32 supported, bool kernel_apic);

// After a reset the kernel is to write to none of the pages that the guest gave it. Outside
// KVM_RUN.
void forget_guest_pages(const Descriptor& vcpu);

// The guest's CPU stands still, which its watchdog for lockups is not to count. Any thread, while
// the vCPU is outside KVM_RUN. [api.rst "KVM_KVMCLOCK_CTRL"]
void tell_of_pause(const Descriptor& vcpu);

}  // namespace backplane::kvm
