// SPDX-License-Identifier: MIT
// MUL, IMUL, MULX, DIV, IDIV.
#include "execution.h"
#include "handlers.h"

namespace backplane::x86::interpreter {
namespace {

__extension__ using u128 = unsigned __int128;
__extension__ using i128 = __int128;

// AX, or the pair rDX:rAX: where products come and dividends are.
u128 wide_accumulator(const Execution& x, unsigned size) {
  if (size == 1) return x.reg(RAX, 2);
  return (u128{x.reg(RDX, size)} << bits_of(size)) | x.reg(RAX, size);
}

void set_accumulator_pair(Execution& x, unsigned size, u64 low, u64 high) {
  if (size == 1) {
    x.set_reg(RAX, 2, (low & 0xff) | (high << 8));
    return;
  }
  x.set_reg(RAX, size, low);
  x.set_reg(RDX, size, high);
}

// CF and OF tell whether the upper half matters. The others are undefined; processors derive SF
// and PF from the lower half.
void set_product_flags(Execution& x, u64 low, unsigned size, bool significant) {
  const u64 flags = (result_flags(low, size) & ~kZF) | flag_if(significant, kCF | kOF);
  x.set_flags(kCF | kOF | kSF | kPF | kAF | kZF, flags);
}

void multiply(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u128 product = u128{x.load(i, i.operand[0])} * x.reg(RAX, size);
  const u64 low = static_cast<u64>(product) & mask_of(size);
  const u64 high = static_cast<u64>(product >> bits_of(size)) & mask_of(size);
  set_accumulator_pair(x, size, low, high);
  set_product_flags(x, low, size, high != 0);
}

void multiply_signed(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const bool one_operand = i.operand_count == 1;
  const bool two_operands = i.operand_count == 2;
  const Operand& first = i.operand[one_operand || two_operands ? 0 : 1];
  const u64 a = x.load(i, first, size);
  const u64 b = one_operand ? x.reg(RAX, size) : x.load(i, i.operand[two_operands ? 1 : 2], size);
  const i128 product = i128{sign_extend(a, size)} * sign_extend(b, size);
  const u64 low = static_cast<u64>(product) & mask_of(size);
  const u64 high = static_cast<u64>(product >> bits_of(size)) & mask_of(size);
  if (one_operand)
    set_accumulator_pair(x, size, low, high);
  else
    x.store_register(i.operand[0], low);
  set_product_flags(x, low, size, product != sign_extend(low, size));
}

// MULX: high half to the first operand, low half to the second; no flags. The first one stays
// where both are the same register.
void multiply_without_flags(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u128 product = u128{x.load(i, i.operand[2])} * x.reg(RDX, size);
  x.store_register(i.operand[1], static_cast<u64>(product) & mask_of(size));
  x.store_register(i.operand[0], static_cast<u64>(product >> bits_of(size)) & mask_of(size));
}

void divide(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u64 divisor = x.load(i, i.operand[0]);
  if (divisor == 0) raise_fault(kDE);
  const u128 dividend = wide_accumulator(x, size);
  const u128 quotient = dividend / divisor;
  if (quotient > mask_of(size)) raise_fault(kDE);
  set_accumulator_pair(x, size, static_cast<u64>(quotient), static_cast<u64>(dividend % divisor));
}

void divide_signed(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const i64 divisor = sign_extend(x.load(i, i.operand[0]), size);
  if (divisor == 0) raise_fault(kDE);
  const unsigned unused = 128 - 2 * bits_of(size);
  const i128 dividend = static_cast<i128>(wide_accumulator(x, size) << unused) >> unused;
  // The one division whose quotient does not fit 128 bits.
  const i128 lowest = static_cast<i128>(u128{1} << 127);
  if (dividend == lowest && divisor == -1) raise_fault(kDE);
  const i128 quotient = dividend / divisor;
  const i64 narrow = static_cast<i64>(quotient);
  if (quotient != narrow || narrow != sign_extend(static_cast<u64>(narrow) & mask_of(size), size))
    raise_fault(kDE);
  set_accumulator_pair(x, size, static_cast<u64>(narrow) & mask_of(size),
                       static_cast<u64>(dividend % divisor) & mask_of(size));
}

}  // namespace

void add_multiply_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_MUL, multiply);
  t.add(ZYDIS_MNEMONIC_IMUL, multiply_signed);
  t.add(ZYDIS_MNEMONIC_MULX, multiply_without_flags);
  t.add(ZYDIS_MNEMONIC_DIV, divide);
  t.add(ZYDIS_MNEMONIC_IDIV, divide_signed);
}

}  // namespace backplane::x86::interpreter
