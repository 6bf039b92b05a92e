// SPDX-License-Identifier: MIT
// The leaves of CPUID that tell which CPUs share a core, a die, a package and a cache.
// [SDM 2A "CPUID-CPU Identification"], [APM 3 "Obtaining Processor Information Via the CPUID
// Instruction"]
#pragma once

#include "backplane/x86/apic_ids.h"
#include "backplane/x86/cpu.h"

namespace backplane::x86 {

constexpr u32 kLineSize = 64;

// Leaf 1 EBX[23:16]: of Intel's, how many APIC ids a package may use; of AMD's, its CPUs.
u32 package_ids(const ApicIds& ids, bool amd);
// Leaf 4.
CpuidResult cache_leaf(u32 subleaf, const ApicIds& ids);
// Leaf 0Bh, which knows no dies, and leaf 1Fh.
CpuidResult topology_leaf(u32 subleaf, u32 apic_id, const ApicIds& ids);
CpuidResult topology_leaf_with_dies(u32 subleaf, u32 apic_id, const ApicIds& ids);

// Leaf 80000008h ECX: the size of a package.
u32 core_identifiers(const ApicIds& ids);
// Leaves 8000001Dh and 8000001Eh.
CpuidResult amd_cache_leaf(u32 subleaf, const ApicIds& ids);
CpuidResult amd_topology_leaf(u32 apic_id, const ApicIds& ids);

}  // namespace backplane::x86
