// SPDX-License-Identifier: MIT
// How often which instructions were executed.
#pragma once

#include <Zydis/Zydis.h>

#include <array>
#include <string_view>

#include "backplane/types.h"

namespace backplane::x86::interpreter {

struct Instruction;

class ExecutionCounts {
 public:
  // Counters of mnemonics come first, then those of moves that it says too little of.
  enum : u16 {
    kMoveControl = ZYDIS_MNEMONIC_MAX_VALUE + 1,
    kMoveDebug,
    kMoveSelector,
    kCounters,
  };
  static u16 counter_of(ZydisMnemonic mnemonic, const Instruction& instruction);
  static std::string_view name_of(u16 counter);

  void add(u16 counter) { ++times_[counter]; }
  u64 times(u16 counter) const { return times_[counter]; }

 private:
  std::array<u64, kCounters> times_{};
};

}  // namespace backplane::x86::interpreter
