// SPDX-License-Identifier: MIT
#include "translate/host_pointers.h"

namespace backplane::tcg {

void HostPointers::hold(u8 reg, const AddressKey& key, const AccessGroup& group) {
  of(reg) = {true, group.write, key, group.low, group.high, group.last_insn};
}

std::optional<RmOperand> HostPointers::find(const MemoryAccess& a) const {
  for (const u8 reg : {kT2, kT0}) {
    const Held& h = held_[reg == kT2];
    if (h.valid && h.key == a.key && (h.write || !a.write) && a.displacement >= h.low &&
        a.displacement + static_cast<i32>(a.size) <= h.high)
      return RmOperand::at(reg, a.displacement - h.low);
  }
  return std::nullopt;
}

void HostPointers::apply(const RegisterEffects& e) {
  constexpr i32 kFar = 1 << 20;
  for (Held& h : held_) {
    if (!h.valid) continue;
    for (const u8 number : {h.key.base, h.key.index})
      if (number < 16 && ((e.written >> number) & 1) != 0) h.valid = false;
    if (e.shift == 0 || !h.key.uses(e.shifted)) continue;
    if (h.key.index == e.shifted || e.shift > kFar || e.shift < -kFar) {
      h.valid = false;
      continue;
    }
    h.low -= e.shift;
    h.high -= e.shift;
    if (h.low > kFar || h.low < -kFar) h.valid = false;
  }
}

}  // namespace backplane::tcg
