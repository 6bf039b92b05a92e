// SPDX-License-Identifier: MIT
#include "vcpu/msrs.h"

#include <algorithm>
#include <cstring>

#include "kernel/list.h"

namespace backplane::kvm {
namespace {

using x86::X86State;

struct Place {
  u32 index;
  std::size_t offset;
};

constexpr Place kSingle[] = {
    {0xc0000081, offsetof(X86State, star)},           {0xc0000082, offsetof(X86State, lstar)},
    {0xc0000083, offsetof(X86State, cstar)},          {0xc0000084, offsetof(X86State, sfmask)},
    {0xc0000102, offsetof(X86State, kernel_gs_base)}, {0xc0000103, offsetof(X86State, tsc_aux)},
    {0x174, offsetof(X86State, sysenter_cs)},         {0x175, offsetof(X86State, sysenter_esp)},
    {0x176, offsetof(X86State, sysenter_eip)},        {0x277, offsetof(X86State, pat)},
    {0x1a0, offsetof(X86State, misc_enable)},         {0x2ff, offsetof(X86State, mtrr_def_type)},
    {0x3b, offsetof(X86State, tsc_adjust)},
};

// In the order of X86State::mtrr_fixed. [SDM 3A "Fixed Range MTRRs"]
constexpr u32 kFixedMtrrs[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                               0x26b, 0x26c, 0x26d, 0x26e, 0x26f};
constexpr u32 kFirstVariableMtrr = 0x200;

std::vector<Place> places() {
  std::vector<Place> all(std::begin(kSingle), std::end(kSingle));
  for (std::size_t n = 0; n < std::size(kFixedMtrrs); ++n)
    all.push_back({kFixedMtrrs[n], offsetof(X86State, mtrr_fixed) + n * sizeof(u64)});
  for (u32 n = 0; n < std::size(X86State{}.mtrr_physical); ++n)
    all.push_back({kFirstVariableMtrr + n, offsetof(X86State, mtrr_physical) + n * sizeof(u64)});
  return all;
}

u64 field(const X86State& state, std::size_t offset) {
  u64 value;
  std::memcpy(&value, reinterpret_cast<const u8*>(&state) + offset, sizeof value);
  return value;
}

void set_field(X86State& state, std::size_t offset, u64 value) {
  std::memcpy(reinterpret_cast<u8*>(&state) + offset, &value, sizeof value);
}

}  // namespace

std::optional<u64> read_msr(const Descriptor& vcpu, u32 index) {
  List<kvm_msr_entry> list({kvm_msr_entry{index, 0, 0}});
  if (vcpu.try_call(kGetMsrs, list.get()) != 1) return std::nullopt;
  return list.entry(0).data;
}

bool write_msr(const Descriptor& vcpu, u32 index, u64 value) {
  List<kvm_msr_entry> list({kvm_msr_entry{index, 0, value}});
  return vcpu.try_call(kSetMsrs, list.get()) == 1;
}

std::vector<x86::X86Cpu::SavedMsr> other_msrs(const Descriptor& vcpu,
                                              const std::vector<u32>& indices) {
  // Those that go other ways: time, the local APIC, and what the segment registers have.
  constexpr u32 kElsewhere[] = {kTscMsr,    kApicBaseMsr, kTscDeadlineMsr,
                                0xc0000080, 0xc0000100,   0xc0000101};
  const std::vector<Place> known = places();
  std::vector<x86::X86Cpu::SavedMsr> found;
  for (const u32 index : indices) {
    const bool elsewhere =
        std::find(std::begin(kElsewhere), std::end(kElsewhere), index) != std::end(kElsewhere) ||
        std::any_of(known.begin(), known.end(), [&](const Place& p) { return p.index == index; });
    if (elsewhere) continue;
    if (const std::optional<u64> value = read_msr(vcpu, index)) found.push_back({index, *value});
  }
  return found;
}

void store_other_msrs(const Descriptor& vcpu, const std::vector<u32>& indices,
                      const std::vector<x86::X86Cpu::SavedMsr>& msrs) {
  for (const x86::X86Cpu::SavedMsr& msr : msrs) {
    if (std::find(indices.begin(), indices.end(), msr.index) == indices.end()) continue;
    if (read_msr(vcpu, msr.index) != msr.value) write_msr(vcpu, msr.index, msr.value);
  }
}

MsrSet::MsrSet(const Descriptor& vcpu) : vcpu_(vcpu) {
  for (const Place& place : places())
    if (const std::optional<u64> value = read_msr(vcpu, place.index))
      rows_.push_back({place.index, place.offset, *value});
}

void MsrSet::learn() {
  List<kvm_msr_entry> list(rows_.size());
  for (std::size_t n = 0; n < rows_.size(); ++n) list.set(n, {rows_[n].index, 0, 0});
  const int count = vcpu_.call("cannot read the MSRs", kGetMsrs, list.get());
  for (std::size_t n = 0; n < static_cast<std::size_t>(count); ++n)
    rows_[n].known = list.entry(n).data;
}

void MsrSet::copy_to(X86State& state) const {
  for (const Row& row : rows_) set_field(state, row.offset, row.known);
}

void MsrSet::store(const X86State& state) {
  for (Row& row : rows_) {
    const u64 value = field(state, row.offset);
    if (value != row.known && write_msr(vcpu_, row.index, value)) row.known = value;
  }
}

}  // namespace backplane::kvm
