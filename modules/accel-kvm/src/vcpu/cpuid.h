// SPDX-License-Identifier: MIT
// What the guest's CPUID instruction answers under KVM: the CPU model, as far as KVM can run it.
#pragma once

#include <vector>

#include "backplane/x86/cpu.h"
#include "kernel/system.h"

namespace backplane::kvm {

// What of CPUID is the accelerator's to say.
struct CpuidOptions {
  bool paravirtual = true;  // that the hypervisor is KVM, and what it offers
  bool kernel_apic = true;
};

std::vector<kvm_cpuid_entry2> cpuid_entries(const x86::X86Cpu& cpu, const System& system,
                                            CpuidOptions options);

// Gives a vCPU the model's CPUID. Throws Error if the kernel refuses.
void set_cpuid(const Descriptor& vcpu, const x86::X86Cpu& cpu, const System& system,
               CpuidOptions options);

}  // namespace backplane::kvm
