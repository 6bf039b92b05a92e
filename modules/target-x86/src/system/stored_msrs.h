// SPDX-License-Identifier: MIT
// Model-specific registers that kernels use without a guard on a vendor's processors, and that have
// no effect on an emulator: they keep what is written. [SDM 4], [APM 2 "MSR Cross-Reference"], and
// AMD's Processor Programming References
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "backplane/types.h"

namespace backplane::x86 {

// As IA32_MCG_CAP counts them. None ever has an error.
constexpr unsigned kMachineCheckBanks = 5;

// One CPU's; on its thread.
class StoredMsrs {
 public:
  // As after power-on: those of AMD's processors, or of Intel's with the rate that is asked for
  // when it is read, since it may take time to find out.
  void reset(bool amd, std::function<u64()> tsc_frequency);
  // Nothing if the vendor's processors have no such register.
  std::optional<u64> read(u32 index) const;
  // False if there is none, or if it does not take the value.
  bool write(u32 index, u64 value);

  const std::vector<u64>& values() const { return values_; }
  // Writes them all; what does not keep what is written stays. False if they are not as many.
  bool set_values(std::span<const u64> values);

 private:
  bool amd_ = false;
  std::function<u64()> tsc_frequency_;
  std::vector<u64> values_;  // of the whole table, one after the other
};

}  // namespace backplane::x86
