// SPDX-License-Identifier: MIT
#include "breakpoints.h"

namespace backplane::x86::interpreter {

u64 breakpoint_hits(const X86State& state, BreakOn kind, u64 address, unsigned size) {
  constexpr unsigned kLengths[4] = {1, 2, 8, 4};  // by the LEN field
  u64 hits = 0;
  for (unsigned n = 0; n < 4; ++n) {
    const u64 control = state.dr[7];
    if ((control >> (2 * n) & 3) == 0) continue;
    const u64 fields = control >> (16 + 4 * n);
    if (static_cast<BreakOn>(fields & 3) != kind) continue;
    const unsigned length = kLengths[fields >> 2 & 3];
    const u64 start = state.dr[n] & ~u64{length - 1};
    if (address < start + length && start < address + size) hits |= u64{1} << n;
  }
  return hits;
}

}  // namespace backplane::x86::interpreter
