// SPDX-License-Identifier: MIT
#include "vcpu/cpuid_report.h"

#include <linux/kvm.h>

#include "backplane/log.h"
#include "kernel/list.h"

namespace backplane::kvm {
namespace {

std::vector<kvm_cpuid_entry2> read_back(const Descriptor& vcpu) {
  constexpr std::size_t kRoom = 256;  // the kernel's own limit
  List<kvm_cpuid_entry2> list(kRoom);
  vcpu.call("cannot read the guest's CPUID back", kGetCpuid2, list.get());
  std::vector<kvm_cpuid_entry2> entries;
  for (std::size_t n = 0; n < list.count(); ++n) entries.push_back(list.entry(n));
  return entries;
}

// The names of those that are shown or not, promised or not.
std::string names(const std::vector<x86::CpuidDifference>& differences, bool shown, bool promised) {
  std::string text;
  for (const x86::CpuidDifference& d : differences)
    if (d.shown == shown && d.promised == promised) text += (text.empty() ? "" : ", ") + d.name;
  return text;
}

}  // namespace

std::vector<x86::CpuidDifference> cpuid_differences(const Descriptor& vcpu,
                                                    const x86::X86Cpu& cpu) {
  const std::vector<kvm_cpuid_entry2> entries = read_back(vcpu);
  const auto shown = [&entries](u32 leaf, u32 subleaf) -> x86::CpuidResult {
    for (const kvm_cpuid_entry2& e : entries)
      if (e.function == leaf && e.index == subleaf) return {e.eax, e.ebx, e.ecx, e.edx};
    return {};
  };
  return cpu.compare_features(shown);
}

void report_differences(const x86::X86Cpu& cpu,
                        const std::vector<x86::CpuidDifference>& differences) {
  for (const bool promised : {true, false})
    for (const bool added : {false, true}) {
      const std::string which = names(differences, added, promised);
      if (which.empty()) continue;
      const std::string line =
          fmt::format("CPU model {}: KVM on this host {}: {}", cpu.model_name(),
                      added ? "adds" : "does not provide", which);
      if (promised)
        log::warn(line);
      else
        log::print(LogCategory::Accel, "{}", line);
    }
}

}  // namespace backplane::kvm
