// SPDX-License-Identifier: MIT
#include "cpuid.h"

#include "requests.h"

namespace kvm_platform {
namespace {

constexpr std::size_t kRoom = 256;
constexpr std::size_t kHeader = sizeof(CountedList);

// Leaf 1 ECX: x2APIC, TSC deadline, hypervisor. EDX: APIC, several processors.
constexpr u32 kGivenEcx = 1u << 21 | 1u << 24 | 1u << 31, kGivenEdx = 1u << 9 | 1u << 28;
constexpr u32 kFirstKvmLeaf = 0x40000000, kLastKvmLeaf = 0x400000ff;

struct Cpuid {
  alignas(8) u8 bytes[kHeader + kRoom * sizeof(kvm_cpuid_entry2)] = {};

  u32& count() { return *reinterpret_cast<u32*>(bytes); }
  kvm_cpuid_entry2& entry(std::size_t n) {
    return reinterpret_cast<kvm_cpuid_entry2*>(bytes + kHeader)[n];
  }
};

void apply(kvm_cpuid_entry2& entry, const WHV_X64_CPUID_RESULT& result) {
  if (entry.function != result.Function) return;
  const bool first = entry.function == 1;
  entry.eax = result.Eax;
  entry.ebx = result.Ebx;
  entry.ecx = result.Ecx & (entry.ecx | (first ? kGivenEcx : 0));
  entry.edx = result.Edx & (entry.edx | (first ? kGivenEdx : 0));
}

}  // namespace

void set_cpuid(const Descriptor& processor, const Partition& partition, u32 index) {
  Cpuid offered;
  offered.count() = kRoom;
  partition.device().call(kGetSupportedCpuid, offered.bytes);
  Cpuid chosen;
  for (u32 n = 0; n < offered.count(); ++n) {
    kvm_cpuid_entry2 entry = offered.entry(n);
    if (entry.function >= kFirstKvmLeaf && entry.function <= kLastKvmLeaf) continue;
    for (const WHV_X64_CPUID_RESULT& result : partition.cpuid_results()) apply(entry, result);
    if (entry.function == 1) entry.ebx = (entry.ebx & 0xffffff) | index << 24;
    if (entry.function == 0xb) entry.edx = index;
    chosen.entry(chosen.count()++) = entry;
  }
  processor.call(kSetCpuid2, chosen.bytes);
}

}  // namespace kvm_platform
