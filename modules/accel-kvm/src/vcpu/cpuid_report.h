// SPDX-License-Identifier: MIT
// Says how the CPUID that KVM shows the guest differs from the CPU model's.
#pragma once

#include "backplane/x86/cpu.h"
#include "kernel/descriptor.h"

namespace backplane::kvm {

// Reads back what took effect. A warning of features that the model or the user promised; of
// others, where the model has whatever the host has, a line in the log (-d accel).
void report_cpuid(const Descriptor& vcpu, const x86::X86Cpu& cpu);

}  // namespace backplane::kvm
