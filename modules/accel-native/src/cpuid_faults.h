// SPDX-License-Identifier: MIT
// Whether CPUID has to be kept off the processor, or traps by itself.
#pragma once

namespace backplane::native {

// Whether the host can have it raise an exception in ring 3, as Intel's processors and newer ones
// of AMD's do. A stub then has it so. [Linux arch_prctl(2), ARCH_SET_CPUID]
bool host_faults_cpuid();

}  // namespace backplane::native
