// SPDX-License-Identifier: MIT
// Integer operations with their arithmetic flags. Operands and results are zero-extended to 64
// bits; `size` is the operand size in bytes: 1, 2, 4 or 8.
#pragma once

#include <bit>

#include "backplane/x86/state.h"

namespace backplane::x86::interpreter {

constexpr unsigned bits_of(unsigned size) { return size * 8; }
constexpr u64 mask_of(unsigned size) { return ~u64{0} >> (64 - bits_of(size)); }
constexpr u64 sign_of(unsigned size) { return u64{1} << (bits_of(size) - 1); }
constexpr i64 sign_extend(u64 value, unsigned size) {
  const unsigned unused = 64 - bits_of(size);
  return static_cast<i64>(value << unused) >> unused;
}

// A value and what it does to RFLAGS: the bits of `mask` take those of `flags`.
struct AluResult {
  u64 value = 0;
  u64 flags = 0;
  u64 mask = kArithmeticFlags;
};

inline u64 flag_if(bool condition, u64 flag) { return condition ? flag : 0; }

// ZF, SF and PF of a result that fits in `size` bytes.
inline u64 result_flags(u64 value, unsigned size) {
  return flag_if(value == 0, kZF) | flag_if((value & sign_of(size)) != 0, kSF) |
         flag_if((std::popcount(static_cast<u8>(value)) & 1) == 0, kPF);
}

// CF, AF and OF from the vector of carries (or borrows) out of each bit.
inline u64 carry_flags(u64 carries, unsigned size) {
  const u64 top = carries & sign_of(size);
  const u64 below = (carries << 1) & sign_of(size);
  return flag_if(top != 0, kCF) | flag_if((carries & 8) != 0, kAF) | flag_if(top != below, kOF);
}

inline AluResult add(u64 a, u64 b, u64 carry, unsigned size) {
  const u64 r = (a + b + carry) & mask_of(size);
  return {r, result_flags(r, size) | carry_flags((a & b) | ((a | b) & ~r), size)};
}

inline AluResult subtract(u64 a, u64 b, u64 borrow, unsigned size) {
  const u64 r = (a - b - borrow) & mask_of(size);
  return {r, result_flags(r, size) | carry_flags((~a & b) | ((~a | b) & r), size)};
}

// AND, OR, XOR, TEST: CF and OF clear, AF undefined (clear here).
inline AluResult logic(u64 r, unsigned size) { return {r, result_flags(r, size)}; }

// INC and DEC keep CF.
inline AluResult increment(u64 a, unsigned size) {
  AluResult r = add(a, 1, 0, size);
  r.mask &= ~kCF;
  return r;
}
inline AluResult decrement(u64 a, unsigned size) {
  AluResult r = subtract(a, 1, 0, size);
  r.mask &= ~kCF;
  return r;
}

// Shifts and rotates take the count as masked by the instruction. A count of zero changes no flag.
AluResult shift_left(u64 a, unsigned count, unsigned size);
AluResult shift_right(u64 a, unsigned count, unsigned size);
AluResult shift_arithmetic(u64 a, unsigned count, unsigned size);
AluResult rotate_left(u64 a, unsigned count, unsigned size);
AluResult rotate_right(u64 a, unsigned count, unsigned size);
AluResult rotate_carry_left(u64 a, unsigned count, unsigned size, bool carry);
AluResult rotate_carry_right(u64 a, unsigned count, unsigned size, bool carry);
// SHLD and SHRD: bits of `fill` enter at the vacated end, those of `again` behind them if the count
// is beyond the operand.
AluResult double_shift_left(u64 a, u64 fill, u64 again, unsigned count, unsigned size);
AluResult double_shift_right(u64 a, u64 fill, u64 again, unsigned count, unsigned size);

// The condition of Jcc, SETcc and CMOVcc, by the low four bits of their opcodes.
// [SDM 1 "EFLAGS Condition Codes"]
bool condition_holds(unsigned condition, u64 rflags);

}  // namespace backplane::x86::interpreter
