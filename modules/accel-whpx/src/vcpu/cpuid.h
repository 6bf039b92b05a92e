// SPDX-License-Identifier: MIT
// CPUID where the platform would show features of its own. [WHP "CPUID Access"]
#pragma once

#include <vector>

#include "api/properties.h"
#include "backplane/x86/cpu.h"

namespace backplane {
class Machine;
}

namespace backplane::whpx {

// What a CPU shows, given what the platform would answer: no feature that it does not run.
// `platform_apic`: the local APIC is the platform's, an xAPIC.
x86::CpuidResult guest_cpuid(const x86::X86Cpu& cpu, u32 leaf, u32 subleaf,
                             const x86::CpuidResult& platform, bool platform_apic);

// The same leaves of the machine's CPU model, for a platform that is told them beforehand. None if
// the machine has no CPUs. Throws Error if it is not a model.
std::vector<WHV_X64_CPUID_RESULT> model_cpuid(Machine& machine, bool platform_apic);

}  // namespace backplane::whpx
