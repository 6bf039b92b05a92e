// SPDX-License-Identifier: MIT
// Decimal adjustments of 16- and 32-bit code, and SALC.
#include "execution.h"
#include "handlers.h"

namespace backplane::x86::interpreter {
namespace {

u64 al(const Execution& x) { return x.state.gpr[RAX] & 0xff; }
u64 ah(const Execution& x) { return (x.state.gpr[RAX] >> 8) & 0xff; }

void set_ax(Execution& x, u64 ah, u64 al) { x.set_reg(RAX, 2, ((ah & 0xff) << 8) | (al & 0xff)); }

// DAA and DAS. OF is undefined.
template <bool subtracting>
void adjust_packed(Execution& x, const Instruction&) {
  const u64 old = al(x);
  const bool old_carry = x.flag(kCF);
  u64 value = old;
  bool carry = false;
  const bool adjust = (old & 0xf) > 9 || x.flag(kAF);
  if (adjust) {
    carry = old_carry || (subtracting ? old < 6 : old > 0xf9);
    value = subtracting ? value - 6 : value + 6;
  }
  if (old > 0x99 || old_carry) {
    value = subtracting ? value - 0x60 : value + 0x60;
    carry = true;
  }
  value &= 0xff;
  x.set_reg(RAX, 1, value);
  x.set_flags(kCF | kAF | kZF | kSF | kPF,
              result_flags(value, 1) | flag_if(adjust, kAF) | flag_if(carry, kCF));
}

// AAA and AAS. OF, SF, ZF and PF are undefined.
template <bool subtracting>
void adjust_unpacked(Execution& x, const Instruction&) {
  const bool adjust = (al(x) & 0xf) > 9 || x.flag(kAF);
  u64 ax = x.reg(RAX, 2);
  if (adjust) ax = subtracting ? ax - 0x106 : ax + 0x106;
  set_ax(x, ax >> 8, ax & 0xf);
  x.set_flags(kCF | kAF, adjust ? kCF | kAF : 0);
}

void adjust_after_multiply(Execution& x, const Instruction& i) {
  const u64 base = i.immediate & 0xff;
  if (base == 0) raise_fault(kDE);
  const u64 value = al(x);
  set_ax(x, value / base, value % base);
  x.set_flags(kArithmeticFlags, result_flags(value % base, 1));
}

void adjust_before_divide(Execution& x, const Instruction& i) {
  const u64 value = (al(x) + ah(x) * (i.immediate & 0xff)) & 0xff;
  set_ax(x, 0, value);
  x.set_flags(kArithmeticFlags, result_flags(value, 1));
}

void set_al_from_carry(Execution& x, const Instruction&) {
  x.set_reg(RAX, 1, x.flag(kCF) ? 0xff : 0);
}

}  // namespace

void add_decimal_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_DAA, adjust_packed<false>);
  t.add(ZYDIS_MNEMONIC_DAS, adjust_packed<true>);
  t.add(ZYDIS_MNEMONIC_AAA, adjust_unpacked<false>);
  t.add(ZYDIS_MNEMONIC_AAS, adjust_unpacked<true>);
  t.add(ZYDIS_MNEMONIC_AAM, adjust_after_multiply);
  t.add(ZYDIS_MNEMONIC_AAD, adjust_before_divide);
  t.add(ZYDIS_MNEMONIC_SALC, set_al_from_carry);
}

}  // namespace backplane::x86::interpreter
