// SPDX-License-Identifier: MIT
// Bloom filters over linear addresses, one hash each: "maybe" or "no".
#pragma once

#include "backplane/types.h"

namespace backplane::tcg {

constexpr unsigned filter_bit(u64 key) {
  return static_cast<unsigned>((key * 0x9e3779b97f4a7c15) >> 52);  // 0 to 4095
}
inline void filter_add(u64 (&filter)[64], u64 key) {
  filter[filter_bit(key) / 64] |= u64{1} << filter_bit(key) % 64;
}
inline bool filter_has(const u64 (&filter)[64], u64 key) {
  return (filter[filter_bit(key) / 64] >> filter_bit(key) % 64 & 1) != 0;
}

// Keys of the large-page filter: 2 MiB regions, and 1 GiB regions marked by a high bit.
constexpr u64 region_2m(u64 linear) { return linear >> 21; }
constexpr u64 region_1g(u64 linear) { return linear >> 30 | u64{1} << 63; }

}  // namespace backplane::tcg
