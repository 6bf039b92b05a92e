// SPDX-License-Identifier: MIT
// Where a debugger wants guest code to stop, as translation and look-ups ask for it.
//
// Blocks are found by where their bytes are in the host, not by linear address. So a block begins
// at each place whose offset in its page is that of an address to stop at, in whatever page, and
// nothing leads to such a block but the look-up that knows the whole address.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "backplane/memory.h"

namespace backplane::tcg {

class StopOffsets {
 public:
  // The addresses from now on. True if blocks have to be made anew for them; offsets that are not
  // needed any more are kept until no address is left, as debuggers take breakpoints away and bring
  // them back at each stop.
  bool set(std::vector<u64> addresses) {
    addresses_ = std::move(addresses);
    std::ranges::sort(addresses_);
    const auto before = offsets_;
    if (addresses_.empty()) offsets_ = {};
    for (const u64 address : addresses_) word(address) |= bit(address);
    return offsets_ != before;
  }

  bool empty() const { return addresses_.empty(); }
  // Nothing but a look-up by linear address may lead there. (Also called with the guest's vector
  // registers in place.)
  bool begins_block(u64 linear) const {
    return (offsets_[(linear & ~kPageMask) / 64] >> (linear % 64) & 1) != 0;
  }
  bool has(u64 linear) const { return std::ranges::binary_search(addresses_, linear); }

 private:
  u64& word(u64 linear) { return offsets_[(linear & ~kPageMask) / 64]; }
  static u64 bit(u64 linear) { return u64{1} << linear % 64; }

  std::vector<u64> addresses_;  // sorted
  std::array<u64, kPageSize / 64> offsets_{};
};

}  // namespace backplane::tcg
