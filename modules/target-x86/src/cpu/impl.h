// SPDX-License-Identifier: MIT
// What X86Cpu keeps beside the architectural state.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "../cpuid/features.h"
#include "../system/stored_msrs.h"
#include "backplane/log.h"
#include "backplane/x86/apic_ids.h"
#include "backplane/x86/cpu.h"
#include "guest_tsc.h"

namespace backplane::x86 {

struct X86Cpu::Impl {
  // What the user asked for, by index in all_features().
  FeatureSet asked_on, asked_off;

  // Properties beside the features. Family 6 model 1Ch is an in-order processor, which does not
  // speculate: a guest that looks there finds that it needs no mitigations. They would run in
  // translated code, cost much, and protect nothing.
  std::string vendor = "GenuineIntel";
  std::string model_id;
  u32 family = 6;
  u32 model = 0x1c;
  u32 stepping = 10;
  u32 physical_bits = 40;

  // Which CPUs the machine has that it is made for.
  ApicIds apic_ids{CpuTopology{}};

  // Resolved by resolve_features() and realize().
  FeatureSet enabled;
  FeatureSet shown;  // to the guest: those, unless the accelerator has others
  std::array<u32, static_cast<std::size_t>(FeatureWord::Count)> words{};
  // The machine's counter, and its offset when X86State::tsc_offset was last made to fit. Null
  // where the accelerator keeps tsc_offset, because the processor counts by itself.
  std::shared_ptr<GuestTsc> tsc;
  i64 tsc_seen = 0;
  bool counting = false;  // instructions (-icount)
  u64 tsc_base = 0;       // host TSC at which the guest's is 0, without `tsc`

  StoredMsrs stored_msrs;
  GuestErrors refused_msrs;

  u32 word(FeatureWord w) const { return words[static_cast<std::size_t>(w)]; }
  bool has(std::string_view name) const {
    return enabled[static_cast<std::size_t>(find_feature(name))];
  }
  // The vendors whose CPUID has AMD's leaves and whose MSRs are AMD's.
  bool is_amd() const { return vendor_named(vendor) == Vendor::Amd; }
  u32 signature() const;

  // The x87 is the host's own, with its ways to keep pointers; else it is the one of our
  // instructions.
  bool host_x87 = false;

  // The features that a model of this level, with what was asked for, has on this host.
  FeatureSet effective_features(unsigned level) const;
  // Throws Error if something asked for, or part of the model, is not to be had on this host.
  void check_host(unsigned level, const std::string& type) const;

  static Impl& of(X86Cpu& cpu) { return *cpu.impl_; }
  static const Impl& of(const X86Cpu& cpu) { return *cpu.impl_; }
};

}  // namespace backplane::x86
