// SPDX-License-Identifier: MIT
// RDMSR and WRMSR of registers that the kernel passes on. [Linux Documentation/virt/kvm/api.rst
// "KVM_EXIT_X86_RDMSR"]
#pragma once

#include <linux/kvm.h>

#include "backplane/x86/cpu.h"
#include "backplane/x86/system.h"

namespace backplane::kvm {

// Fills in the answer to the exit that `run` describes. The CPU's state need not be of this exit.
void answer_msr_exit(x86::X86Cpu& cpu, x86::WalkingMemory& memory, kvm_run& run);

}  // namespace backplane::kvm
