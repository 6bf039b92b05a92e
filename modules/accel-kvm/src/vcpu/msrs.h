// SPDX-License-Identifier: MIT
// A vCPU's model-specific registers. [Linux Documentation/virt/kvm/api.rst "KVM_GET_MSRS"]
#pragma once

#include <optional>
#include <vector>

#include "backplane/x86/cpu.h"
#include "kernel/descriptor.h"

namespace backplane::kvm {

constexpr u32 kTscMsr = 0x10;
constexpr u32 kApicBaseMsr = 0x1b;
constexpr u32 kTscDeadlineMsr = 0x6e0;

// Nothing, and false, if the kernel does not have the register or refuses the value.
std::optional<u64> read_msr(const Descriptor& vcpu, u32 index);
bool write_msr(const Descriptor& vcpu, u32 index, u64 value);

// The values of those of `indices` that neither X86State has nor the local APIC.
std::vector<x86::X86Cpu::SavedMsr> other_msrs(const Descriptor& vcpu,
                                              const std::vector<u32>& indices);
// Writes those that are among `indices`, as far as the kernel takes the values.
void store_other_msrs(const Descriptor& vcpu, const std::vector<u32>& indices,
                      const std::vector<x86::X86Cpu::SavedMsr>& msrs);

// Those that X86State has, as far as the kernel has them too.
class MsrSet {
 public:
  explicit MsrSet(const Descriptor& vcpu);

  // Reads all of them, by one call.
  void learn();
  void copy_to(x86::X86State& state) const;
  // Those that differ from what was last learnt or stored.
  void store(const x86::X86State& state);

 private:
  struct Row {
    u32 index;
    std::size_t offset;  // of the field in X86State
    u64 known;           // the kernel's value
  };
  const Descriptor& vcpu_;
  std::vector<Row> rows_;
};

}  // namespace backplane::kvm
