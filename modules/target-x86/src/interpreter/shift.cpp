// SPDX-License-Identifier: MIT
// Shifts and rotates, also those of BMI2 that leave the flags alone.
#include "execution.h"
#include "handlers.h"

namespace backplane::x86::interpreter {
namespace {

unsigned count_mask(unsigned size) { return size == 8 ? 63 : 31; }

using Compute = AluResult (*)(u64 value, unsigned count, unsigned size, bool carry);

template <Compute compute>
void shift(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const unsigned count = static_cast<unsigned>(x.load(i, i.operand[1])) & count_mask(size);
  const bool carry = x.flag(kCF);
  AluResult result;
  x.modify(i, i.operand[0], [&](u64 old) {
    result = compute(old, count, size, carry);
    return result.value;
  });
  x.set_flags(result);
}

template <AluResult (*Function)(u64, unsigned, unsigned)>
AluResult without_carry(u64 value, unsigned count, unsigned size, bool) {
  return Function(value, count, size);
}

template <AluResult (*Function)(u64, u64, u64, unsigned, unsigned)>
void double_shift(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u64 fill = x.load(i, i.operand[1]);
  const unsigned count = static_cast<unsigned>(x.load(i, i.operand[2])) & count_mask(size);
  const bool repeats_source =
      count > bits_of(size) &&
      does(x.cpu.vendor(), Difference::DoubleShiftBeyondOperand) == Does::RepeatsSource;
  AluResult result;
  x.modify(i, i.operand[0], [&](u64 old) {
    result = Function(old, fill, repeats_source ? fill : old, count, size);
    return result.value;
  });
  x.set_flags(result);
}

// SHLX, SHRX, SARX, RORX: destination, source, count.
template <AluResult (*Function)(u64, unsigned, unsigned)>
void shift_without_flags(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u64 source = x.load(i, i.operand[1]);
  const unsigned count = static_cast<unsigned>(x.load(i, i.operand[2])) & count_mask(size);
  x.store_register(i.operand[0], Function(source, count, size).value);
}

}  // namespace

void add_shift_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_SHL, shift<without_carry<shift_left>>);
  t.add(ZYDIS_MNEMONIC_SHR, shift<without_carry<shift_right>>);
  t.add(ZYDIS_MNEMONIC_SAR, shift<without_carry<shift_arithmetic>>);
  t.add(ZYDIS_MNEMONIC_ROL, shift<without_carry<rotate_left>>);
  t.add(ZYDIS_MNEMONIC_ROR, shift<without_carry<rotate_right>>);
  t.add(ZYDIS_MNEMONIC_RCL, shift<rotate_carry_left>);
  t.add(ZYDIS_MNEMONIC_RCR, shift<rotate_carry_right>);
  t.add(ZYDIS_MNEMONIC_SHLD, double_shift<double_shift_left>);
  t.add(ZYDIS_MNEMONIC_SHRD, double_shift<double_shift_right>);
  t.add(ZYDIS_MNEMONIC_SHLX, shift_without_flags<shift_left>);
  t.add(ZYDIS_MNEMONIC_SHRX, shift_without_flags<shift_right>);
  t.add(ZYDIS_MNEMONIC_SARX, shift_without_flags<shift_arithmetic>);
  t.add(ZYDIS_MNEMONIC_RORX, shift_without_flags<rotate_right>);
}

}  // namespace backplane::x86::interpreter
