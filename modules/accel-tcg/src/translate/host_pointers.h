// SPDX-License-Identifier: MIT
// Host addresses of guest memory that scratch registers hold from one access to the next.
#pragma once

#include <array>
#include <optional>

#include "emit/assembler.h"
#include "translate/memory_access.h"

namespace backplane::tcg {

class HostPointers {
 public:
  // `reg` (T0 or T2) now holds the host address of the group's lowest byte.
  void hold(u8 reg, const AddressKey& key, const AccessGroup& group);
  // `reg` is used for something else.
  void forget(u8 reg) { of(reg).valid = false; }
  void forget_all() { held_ = {}; }
  // True if an instruction from `at` on was meant to use what `reg` holds.
  bool wanted(u8 reg, std::size_t at) const {
    const Held& h = held_[reg == kT2];
    return h.valid && h.last_insn >= at;
  }
  // The operand to use for an access that was checked already.
  std::optional<RmOperand> find(const MemoryAccess& access) const;
  // After an instruction: what its effects leave.
  void apply(const RegisterEffects& effects);

 private:
  struct Held {
    bool valid = false;
    bool write = false;
    AddressKey key;
    i32 low = 0, high = 0;  // from the current value of the key's registers
    std::size_t last_insn = 0;
  };
  Held& of(u8 reg) { return held_[reg == kT2]; }

  std::array<Held, 2> held_;
};

}  // namespace backplane::tcg
