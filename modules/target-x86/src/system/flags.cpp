// SPDX-License-Identifier: MIT
#include "flags.h"

namespace backplane::x86 {

namespace {

constexpr u64 kAlways = kArithmeticFlags | kTF | kDF | kNT;
constexpr u64 kLow16 = 0xffff;

// The bits that code at this privilege level may change.
u64 changeable(const X86State& s, unsigned operand_size, bool returning) {
  u64 mask = kAlways | kAC | kID | (returning ? kRF : 0);
  const unsigned cpl = s.cpl();
  if (cpl == 0) mask |= kIOPL;
  if (cpl <= ((s.rflags & kIOPL) >> 12)) mask |= kIF;
  return operand_size == 2 ? mask & kLow16 : mask;
}

}  // namespace

void write_flags(X86State& s, u64 value, unsigned operand_size) {
  const u64 mask = changeable(s, operand_size, false);
  s.rflags = (s.rflags & ~(mask | kRF)) | (value & mask) | 2;
}

u64 flags_after_return(const X86State& s, u64 value, unsigned operand_size) {
  const u64 mask = changeable(s, operand_size, true);
  return (s.rflags & ~mask) | (value & mask) | 2;
}

}  // namespace backplane::x86
