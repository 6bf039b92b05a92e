// SPDX-License-Identifier: MIT
#include "vcpu/cpuid.h"

#include "backplane/machine.h"
#include "partition/cpuid_leaves.h"

namespace backplane::whpx {
namespace {

// Leaf 1 ECX: x2APIC and TSC deadline belong to the local APIC, the hypervisor bit is ours to give.
// OSXSAVE follows CR4, which the platform looks after.
constexpr u32 kApicLeaf1Ecx = 1u << 21 | 1u << 24, kHypervisor = 1u << 31;
constexpr u32 kOsxsave = 1u << 27;
// Leaf 1 EDX: APIC; more than one processor.
constexpr u32 kOurLeaf1Edx = 1u << 9 | 1u << 28;
// Leaf 80000001h EDX: in 64-bit code only on some processors, as the platform says.
constexpr u32 kSyscall = 1u << 11;
// Leaf 80000001h ECX: there are AMD's leaves of the topology. Leaf 80000008h ECX: a package's size.
constexpr u32 kCmpLegacy = 1u << 1, kTopologyExtensions = 1u << 22, kPackageSize = 0xffff;

}  // namespace

x86::CpuidResult guest_cpuid(const x86::X86Cpu& cpu, u32 leaf, u32 subleaf,
                             const x86::CpuidResult& platform, bool platform_apic) {
  x86::CpuidResult result = cpu.cpuid(leaf, subleaf);
  switch (leaf) {
    case kFeatureLeaf:
      result.ecx &= platform_apic ? (platform.ecx & ~kApicLeaf1Ecx) | kHypervisor
                                  : platform.ecx | kApicLeaf1Ecx | kHypervisor;
      result.ecx = (result.ecx & ~kOsxsave) | (platform.ecx & kOsxsave);
      result.edx &= platform.edx | kOurLeaf1Edx;
      return result;
    case kExtendedFeatureLeaf:
      if (cpu.features().syscall) result.edx |= kSyscall;
      result.ecx &= platform.ecx | kCmpLegacy | kTopologyExtensions;
      result.edx &= platform.edx;
      return result;
    case kPackageSizeLeaf: {
      const u32 size = result.ecx & kPackageSize;
      result = platform;
      result.ecx = (platform.ecx & ~kPackageSize) | size;
      return result;
    }
    case kCacheLeaf:
    case kTopologyLeaf:
    case kTopologyLeafWithDies:
    case kAmdCacheLeaf:
    case kAmdTopologyLeaf:
      return result;
    default:
      return platform;
  }
}

std::vector<WHV_X64_CPUID_RESULT> model_cpuid(Machine& machine, bool platform_apic) {
  const std::string& given = machine.config().cpu_model;
  if (given.empty() && machine.machine_class().default_cpu.empty()) return {};
  const std::unique_ptr<x86::X86Cpu> cpu = x86::create_cpu(machine, given);
  cpu->take_host_identity();
  cpu->resolve_features();
  std::vector<WHV_X64_CPUID_RESULT> results;
  constexpr x86::CpuidResult kAnything{~0u, ~0u, ~0u, ~0u};
  for (const u32 leaf : kFixedCpuidLeaves) {
    const x86::CpuidResult r = guest_cpuid(*cpu, leaf, 0, kAnything, platform_apic);
    results.push_back(
        {.Function = leaf, .Reserved = {}, .Eax = r.eax, .Ebx = r.ebx, .Ecx = r.ecx, .Edx = r.edx});
  }
  return results;
}

}  // namespace backplane::whpx
