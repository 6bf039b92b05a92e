// SPDX-License-Identifier: MIT
#include "alu.h"

namespace backplane::x86::interpreter {
namespace {

constexpr AluResult unchanged(u64 a) { return {a, 0, 0}; }

AluResult shifted(u64 value, unsigned size, bool carry, bool overflow) {
  return {value, result_flags(value, size) | flag_if(carry, kCF) | flag_if(overflow, kOF)};
}

AluResult rotated(u64 value, bool carry, bool overflow) {
  return {value, flag_if(carry, kCF) | flag_if(overflow, kOF), kCF | kOF};
}

bool top_bit(u64 value, unsigned size) { return (value & sign_of(size)) != 0; }

}  // namespace

AluResult shift_left(u64 a, unsigned count, unsigned size) {
  if (count == 0) return unchanged(a);
  const unsigned bits = bits_of(size);
  const u64 r = count < bits ? (a << count) & mask_of(size) : 0;
  const bool carry = count <= bits && ((a >> (bits - count)) & 1) != 0;
  return shifted(r, size, carry, top_bit(r, size) != carry);
}

AluResult shift_right(u64 a, unsigned count, unsigned size) {
  if (count == 0) return unchanged(a);
  return shifted(a >> count, size, ((a >> (count - 1)) & 1) != 0, top_bit(a, size));
}

AluResult shift_arithmetic(u64 a, unsigned count, unsigned size) {
  if (count == 0) return unchanged(a);
  const i64 wide = sign_extend(a, size);
  return shifted(static_cast<u64>(wide >> count) & mask_of(size), size,
                 ((wide >> (count - 1)) & 1) != 0, false);
}

AluResult rotate_left(u64 a, unsigned count, unsigned size) {
  if (count == 0) return unchanged(a);
  const unsigned bits = bits_of(size);
  const unsigned n = count % bits;
  const u64 r = n == 0 ? a : ((a << n) | (a >> (bits - n))) & mask_of(size);
  const bool carry = (r & 1) != 0;
  return rotated(r, carry, top_bit(r, size) != carry);
}

AluResult rotate_right(u64 a, unsigned count, unsigned size) {
  if (count == 0) return unchanged(a);
  const unsigned bits = bits_of(size);
  const unsigned n = count % bits;
  const u64 r = n == 0 ? a : ((a >> n) | (a << (bits - n))) & mask_of(size);
  return rotated(r, top_bit(r, size), top_bit(r ^ (r << 1), size));
}

AluResult rotate_carry_left(u64 a, unsigned count, unsigned size, bool carry) {
  const unsigned bits = bits_of(size);
  const unsigned n = count % (bits + 1);
  if (n == 0) return unchanged(a);
  u64 r = n < bits ? a << n : 0;
  r |= u64{carry} << (n - 1);
  if (n > 1) r |= a >> (bits + 1 - n);
  r &= mask_of(size);
  const bool out = ((a >> (bits - n)) & 1) != 0;
  return rotated(r, out, top_bit(r, size) != out);
}

AluResult rotate_carry_right(u64 a, unsigned count, unsigned size, bool carry) {
  const unsigned bits = bits_of(size);
  const unsigned n = count % (bits + 1);
  if (n == 0) return unchanged(a);
  u64 r = n < bits ? a >> n : 0;
  r |= u64{carry} << (bits - n);
  if (n > 1) r |= a << (bits + 1 - n);
  r &= mask_of(size);
  return rotated(r, ((a >> (n - 1)) & 1) != 0, top_bit(r ^ (r << 1), size));
}

AluResult double_shift_left(u64 a, u64 fill, u64 again, unsigned count, unsigned size) {
  if (count == 0) return unchanged(a);
  const unsigned bits = bits_of(size);
  if (count > bits) return double_shift_left(fill, again, again, count - bits, size);
  const u64 r = count == bits ? fill : ((a << count) | (fill >> (bits - count))) & mask_of(size);
  return shifted(r, size, ((a >> (bits - count)) & 1) != 0, top_bit(r ^ a, size));
}

AluResult double_shift_right(u64 a, u64 fill, u64 again, unsigned count, unsigned size) {
  if (count == 0) return unchanged(a);
  const unsigned bits = bits_of(size);
  if (count > bits) return double_shift_right(fill, again, again, count - bits, size);
  const u64 r = count == bits ? fill : ((a >> count) | (fill << (bits - count))) & mask_of(size);
  return shifted(r, size, ((a >> (count - 1)) & 1) != 0, top_bit(r ^ a, size));
}

bool condition_holds(unsigned condition, u64 rflags) {
  bool holds = false;
  switch (condition >> 1) {
    case 0:
      holds = (rflags & kOF) != 0;
      break;
    case 1:
      holds = (rflags & kCF) != 0;
      break;
    case 2:
      holds = (rflags & kZF) != 0;
      break;
    case 3:
      holds = (rflags & (kCF | kZF)) != 0;
      break;
    case 4:
      holds = (rflags & kSF) != 0;
      break;
    case 5:
      holds = (rflags & kPF) != 0;
      break;
    case 6:
      holds = ((rflags & kSF) != 0) != ((rflags & kOF) != 0);
      break;
    default:
      holds = (rflags & kZF) != 0 || ((rflags & kSF) != 0) != ((rflags & kOF) != 0);
      break;
  }
  return holds != ((condition & 1) != 0);
}

}  // namespace backplane::x86::interpreter
