// SPDX-License-Identifier: MIT
#include "vcpu/cpuid.h"

#include <asm/kvm_para.h>

#include <algorithm>

#include "kernel/list.h"
#include "vcpu/paravirtual.h"

namespace backplane::kvm {
namespace {

// Bits of leaf 1 ECX that are ours to give: x2APIC, TSC deadline, hypervisor present.
constexpr u32 kOurLeaf1Ecx = 1u << 21 | 1u << 24 | 1u << 31;
// Of leaf 1 ECX: OSXSAVE follows CR4, which KVM looks after.
constexpr u32 kOsxsave = 1u << 27;
constexpr u32 kLeaf1Apic = 1u << 9, kLeaf1Htt = 1u << 28;
constexpr u32 kSyscall = 1u << 11;
// Of leaf 80000001h ECX, what says that there are AMD's leaves of the topology.
constexpr u32 kCmpLegacy = 1u << 1, kTopologyExtensions = 1u << 22;
// Of leaf 80000008h ECX, the size of a package.
constexpr u32 kPackageSize = 0xffff;
constexpr u32 kLeavesOfTopology[] = {0x4, 0xb, 0x1f, 0x8000001d, 0x8000001e};

class Entries {
 public:
  Entries(const x86::X86Cpu& cpu, const System& system, CpuidOptions options)
      : cpu_(cpu), options_(options), supported_(system.supported_cpuid()) {}

  std::vector<kvm_cpuid_entry2> make() {
    if (cpu_.is_host()) return host();
    range(0);
    hypervisor();
    range(0x80000000);
    return std::move(entries_);
  }

 private:
  // The host's own leaves, but for those that tell one CPU of the machine from another, and for
  // what says who the hypervisor is.
  std::vector<kvm_cpuid_entry2> host() {
    for (const kvm_cpuid_entry2& host : supported_) {
      const u32 leaf = host.function;
      if (tells_topology(leaf) || leaf >> 8 == 0x400000) continue;
      const x86::CpuidResult off = cpu_.switched_off(leaf, host.index);
      kvm_cpuid_entry2 entry = host;
      entry.eax &= ~off.eax;
      entry.ebx &= ~off.ebx;
      entry.ecx &= ~off.ecx;
      entry.edx &= ~off.edx;
      if (leaf == 1) {
        const x86::CpuidResult ours = cpu_.cpuid(1, 0);
        entry.ebx = ours.ebx;
        entry.ecx = (entry.ecx & ~(kOurLeaf1Ecx | kOsxsave)) | (ours.ecx & kOurLeaf1Ecx);
        entry.edx = (entry.edx & ~kLeaf1Htt) | kLeaf1Apic | (ours.edx & kLeaf1Htt);
      } else if (leaf == 0x80000001) {
        entry.ecx = (entry.ecx & ~kCmpLegacy) | (cpu_.cpuid(leaf, 0).ecx & kCmpLegacy);
      } else if (leaf == 0x80000008) {
        entry.ecx = (entry.ecx & ~kPackageSize) | (cpu_.cpuid(leaf, 0).ecx & kPackageSize);
      }
      entries_.push_back(entry);
    }
    // One whose last leaf is before any of these does not show it.
    for (const u32 leaf : kLeavesOfTopology) leaves(leaf);
    hypervisor();
    return std::move(entries_);
  }

  void hypervisor() {
    if ((cpu_.cpuid(1, 0).ecx >> 31) == 0) return;
    const std::size_t first = entries_.size();
    range(KVM_CPUID_SIGNATURE);
    const kvm_cpuid_entry2* const features = supported(KVM_CPUID_FEATURES, 0);
    if (!options_.paravirtual || features == nullptr) return;
    // The leaves beyond, the TSC's rate among them, stay.
    const auto leaves =
        paravirtual_leaves(entries_[first].eax, features->eax, options_.kernel_apic);
    std::copy(leaves.begin(), leaves.end(), entries_.begin() + static_cast<std::ptrdiff_t>(first));
  }

  void range(u32 first) {
    const u32 last = cpu_.cpuid(first, 0).eax;
    for (u32 leaf = first; leaf <= last; ++leaf) leaves(leaf);
  }

  static bool tells_topology(u32 leaf) {
    return std::find(std::begin(kLeavesOfTopology), std::end(kLeavesOfTopology), leaf) !=
           std::end(kLeavesOfTopology);
  }

  void leaves(u32 leaf) {
    switch (leaf) {
      case 0x4:
      case 0x8000001d:
        subleaves(leaf, [](const x86::CpuidResult& r) { return (r.eax & 0x1f) == 0; });
        break;
      case 0x7:
        add(leaf, 0, true);
        add(leaf, 1, true);
        break;
      case 0xb:
      case 0x1f:
        subleaves(leaf, [](const x86::CpuidResult& r) { return (r.ecx >> 8 & 0xff) == 0; });
        break;
      case 0xd:
        for (u32 subleaf = 0; subleaf < 3; ++subleaf) add(leaf, subleaf, true);
        break;
      default:
        add(leaf, 0, false);
        break;
    }
  }

  template <class Last>
  void subleaves(u32 leaf, Last last) {
    constexpr u32 kMost = 16;
    for (u32 subleaf = 0; subleaf < kMost; ++subleaf) {
      add(leaf, subleaf, true);
      if (last(cpu_.cpuid(leaf, subleaf))) return;
    }
  }

  void add(u32 leaf, u32 subleaf, bool indexed) {
    x86::CpuidResult r = cpu_.cpuid(leaf, subleaf);
    if (const kvm_cpuid_entry2* host = supported(leaf, subleaf); leaf == 1) {
      r.ecx &= ((host != nullptr ? host->ecx : 0) | kOurLeaf1Ecx) & ~kOsxsave;
      r.edx &= (host != nullptr ? host->edx : 0) | kLeaf1Apic | kLeaf1Htt;
    } else if (leaf == 7 || leaf == 0x80000001) {
      // Syscall is offered outside of 64-bit code too: KVM answers the same in all modes.
      if (leaf == 0x80000001 && cpu_.features().syscall) r.edx |= kSyscall;
      r.ebx &= host != nullptr ? host->ebx : 0;
      const u32 ours = leaf == 7 ? 0 : kCmpLegacy | kTopologyExtensions;
      r.ecx &= (host != nullptr ? host->ecx : 0) | ours;
      r.edx &= host != nullptr ? host->edx : 0;
      if (subleaf == 1) r.eax &= host != nullptr ? host->eax : 0;
    } else if (leaf == 0xd && subleaf == 1) {
      r.eax &= host != nullptr ? host->eax : 0;
    }
    kvm_cpuid_entry2 entry{};
    entry.function = leaf;
    entry.index = subleaf;
    entry.flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
    entry.eax = r.eax;
    entry.ebx = r.ebx;
    entry.ecx = r.ecx;
    entry.edx = r.edx;
    entries_.push_back(entry);
  }

  const kvm_cpuid_entry2* supported(u32 leaf, u32 subleaf) const {
    for (const kvm_cpuid_entry2& e : supported_)
      if (e.function == leaf &&
          ((e.flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) == 0 || e.index == subleaf))
        return &e;
    return nullptr;
  }

  const x86::X86Cpu& cpu_;
  const CpuidOptions options_;
  std::vector<kvm_cpuid_entry2> supported_;
  std::vector<kvm_cpuid_entry2> entries_;
};

}  // namespace

std::vector<kvm_cpuid_entry2> cpuid_entries(const x86::X86Cpu& cpu, const System& system,
                                            CpuidOptions options) {
  return Entries(cpu, system, options).make();
}

void set_cpuid(const Descriptor& vcpu, const x86::X86Cpu& cpu, const System& system,
               CpuidOptions options) {
  List<kvm_cpuid_entry2> list(cpuid_entries(cpu, system, options));
  vcpu.call("KVM refuses the CPU model's CPUID", kSetCpuid2, list.get());
}

}  // namespace backplane::kvm
