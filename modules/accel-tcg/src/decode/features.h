// SPDX-License-Identifier: MIT
// Which of the features that instructions need a CPU has.
#pragma once

#include "backplane/x86/cpu.h"
#include "decode/feature.h"

namespace backplane::tcg {

// A set of features; Feature::Base is always in it.
class FeatureMask {
 public:
  FeatureMask() = default;
  explicit FeatureMask(const x86::X86Cpu::Features& cpu);

  bool has(Feature feature) const { return (bits_ >> static_cast<unsigned>(feature) & 1) != 0; }
  // Keeps what is in both.
  FeatureMask& operator&=(FeatureMask other) {
    bits_ &= other.bits_;
    return *this;
  }

 private:
  static_assert(static_cast<unsigned>(Feature::Count) <= 64);
  u64 bits_ = 1;
};

}  // namespace backplane::tcg
