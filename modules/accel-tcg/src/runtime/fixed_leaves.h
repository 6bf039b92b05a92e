// SPDX-License-Identifier: MIT
// Leaves of CPUID that never change while the machine exists, and that programs ask for when they
// start: the C library's loader asks some sixty times. [SDM 2A "CPUID-CPU Identification"]
#pragma once

#include <array>

#include "backplane/x86/cpu.h"

namespace backplane::tcg {

class FixedLeaves {
 public:
  explicit FixedLeaves(const x86::X86Cpu& cpu);
  // Null if what the leaf says may change, or is not known. General registers only.
  const x86::CpuidResult* find(u32 leaf, u32 subleaf) const {
    for (const Known& known : known_)
      if (known.leaf == leaf && (!known.has_subleaves || known.subleaf == subleaf))
        return &known.result;
    return nullptr;
  }

 private:
  struct Known {
    u32 leaf = 0, subleaf = 0;
    bool has_subleaves = false;
    x86::CpuidResult result;
  };
  static const std::array<Known, 14> kLeaves;
  std::array<Known, 14> known_;
};

}  // namespace backplane::tcg
