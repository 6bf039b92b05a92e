// SPDX-License-Identifier: MIT
#include "mtrr.h"

namespace backplane::x86 {

namespace {

constexpr u32 kPhysicalFirst = 0x200, kPhysicalLast = 0x20f, kFixed64K = 0x250, kFixed16K = 0x258,
              kFixed4K = 0x268, kDefaultType = 0x2ff;

constexpr bool valid_type(u64 type) { return type <= 6 && type != 2 && type != 3; }

}  // namespace

u64* mtrr_register(X86State& s, u32 index) {
  if (index >= kPhysicalFirst && index <= kPhysicalLast)
    return &s.mtrr_physical[index - kPhysicalFirst];
  if (index == kFixed64K) return &s.mtrr_fixed[0];
  if (index == kFixed16K || index == kFixed16K + 1) return &s.mtrr_fixed[1 + index - kFixed16K];
  if (index >= kFixed4K && index < kFixed4K + 8) return &s.mtrr_fixed[3 + index - kFixed4K];
  return index == kDefaultType ? &s.mtrr_def_type : nullptr;
}

bool valid_mtrr_value(const X86State& s, u32 index, u64 value) {
  const u64 beyond = ~((u64{1} << s.physical_address_bits) - 1);
  if (index == kDefaultType) return (value & ~u64{0xcff}) == 0 && valid_type(value & 0xff);
  if (index >= kPhysicalFirst && index <= kPhysicalLast) {
    const bool is_mask = (index & 1) != 0;
    if (is_mask) return (value & (beyond | 0x7ff)) == 0;
    return (value & (beyond | 0xf00)) == 0 && valid_type(value & 0xff);
  }
  for (unsigned i = 0; i < 8; ++i)
    if (!valid_type((value >> (8 * i)) & 0xff)) return false;
  return true;
}

}  // namespace backplane::x86
