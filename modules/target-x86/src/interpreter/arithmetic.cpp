// SPDX-License-Identifier: MIT
// ADD, ADC, SUB, SBB, CMP, INC, DEC, NEG, AND, OR, XOR, TEST, NOT, ADCX, ADOX.
#include "execution.h"
#include "handlers.h"

namespace backplane::x86::interpreter {
namespace {

// destination = Compute(destination, source, CF, size), and its flags.
template <AluResult (*Compute)(u64, u64, u64, unsigned)>
void binary(Execution& x, const Instruction& i) {
  const Operand& destination = i.operand[0];
  const unsigned size = destination.size;
  const u64 source = x.load(i, i.operand[1], size);
  const u64 carry = x.state.rflags & kCF;
  AluResult result;
  x.modify(i, destination, [&](u64 old) {
    result = Compute(old, source, carry, size);
    return result.value;
  });
  x.set_flags(result);
}

// The same without writing the destination.
template <AluResult (*Compute)(u64, u64, u64, unsigned)>
void compare(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u64 a = x.load(i, i.operand[0]);
  x.set_flags(Compute(a, x.load(i, i.operand[1], size), 0, size));
}

template <AluResult (*Compute)(u64, unsigned)>
void unary(Execution& x, const Instruction& i) {
  AluResult result;
  x.modify(i, i.operand[0], [&](u64 old) {
    result = Compute(old, i.operand[0].size);
    return result.value;
  });
  x.set_flags(result);
}

AluResult add_plain(u64 a, u64 b, u64, unsigned size) { return add(a, b, 0, size); }
AluResult subtract_plain(u64 a, u64 b, u64, unsigned size) { return subtract(a, b, 0, size); }
AluResult bit_and(u64 a, u64 b, u64, unsigned size) { return logic(a & b, size); }
AluResult bit_or(u64 a, u64 b, u64, unsigned size) { return logic(a | b, size); }
AluResult bit_xor(u64 a, u64 b, u64, unsigned size) { return logic(a ^ b, size); }
AluResult negate(u64 a, unsigned size) { return subtract(0, a, 0, size); }
AluResult complement(u64 a, unsigned size) { return {~a & mask_of(size), 0, 0}; }

// ADCX and ADOX: an addition whose carry is in the flag given and touches no other.
void add_with_flag(Execution& x, const Instruction& i) {
  const u64 flag = i.argument == 0 ? kCF : kOF;
  const unsigned size = i.operand[0].size;
  const u64 source = x.load(i, i.operand[1]);
  const AluResult r = add(x.load(i, i.operand[0]), source, x.flag(flag) ? 1 : 0, size);
  x.store_register(i.operand[0], r.value);
  x.set_flags(flag, (r.flags & kCF) != 0 ? flag : 0);
}

}  // namespace

void add_arithmetic_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_ADD, binary<add_plain>);
  t.add(ZYDIS_MNEMONIC_ADC, binary<add>);
  t.add(ZYDIS_MNEMONIC_SUB, binary<subtract_plain>);
  t.add(ZYDIS_MNEMONIC_SBB, binary<subtract>);
  t.add(ZYDIS_MNEMONIC_AND, binary<bit_and>);
  t.add(ZYDIS_MNEMONIC_OR, binary<bit_or>);
  t.add(ZYDIS_MNEMONIC_XOR, binary<bit_xor>);
  t.add(ZYDIS_MNEMONIC_CMP, compare<subtract_plain>);
  t.add(ZYDIS_MNEMONIC_TEST, compare<bit_and>);
  t.add(ZYDIS_MNEMONIC_INC, unary<increment>);
  t.add(ZYDIS_MNEMONIC_DEC, unary<decrement>);
  t.add(ZYDIS_MNEMONIC_NEG, unary<negate>);
  t.add(ZYDIS_MNEMONIC_NOT, unary<complement>);
  t.add(ZYDIS_MNEMONIC_ADCX, add_with_flag, 0);
  t.add(ZYDIS_MNEMONIC_ADOX, add_with_flag, 1);
}

}  // namespace backplane::x86::interpreter
