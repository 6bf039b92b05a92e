// SPDX-License-Identifier: MIT
// How the CPUID that KVM shows the guest differs from the CPU model's.
#pragma once

#include <vector>

#include "backplane/x86/cpu.h"
#include "kernel/descriptor.h"

namespace backplane::kvm {

// From what took effect, read back.
std::vector<x86::CpuidDifference> cpuid_differences(const Descriptor& vcpu, const x86::X86Cpu& cpu);
// A warning of features that the model or the user promised; of others, where the model has
// whatever the host has, a line in the log (-d accel).
void report_differences(const x86::X86Cpu& cpu,
                        const std::vector<x86::CpuidDifference>& differences);

}  // namespace backplane::kvm
