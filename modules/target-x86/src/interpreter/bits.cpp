// SPDX-License-Identifier: MIT
// Single bits, bit scans and counts, BMI1, BMI2, CRC32, BSWAP and MOVBE.
#include "execution.h"
#include "handlers.h"

namespace backplane::x86::interpreter {
namespace {

enum BitOperation : u8 { kTest, kSet, kReset, kComplement };

u64 with_bit(u64 value, u64 bit, u8 operation) {
  switch (operation) {
    case kSet:
      return value | bit;
    case kReset:
      return value & ~bit;
    case kComplement:
      return value ^ bit;
    default:
      return value;
  }
}

// BT, BTS, BTR, BTC. With a register as bit offset, a memory operand is a bit string that goes
// both ways from its address.
void bit_test(Execution& x, const Instruction& i) {
  const Operand& base = i.operand[0];
  const unsigned size = base.size;
  const u64 offset = x.load(i, i.operand[1], size);
  const u64 bit = u64{1} << (offset & (bits_of(size) - 1));
  u64 old = 0;
  if (base.kind == OperandKind::Memory) {
    u64 address = x.effective_address(i.memory);
    if (i.operand[1].kind == OperandKind::Register) {
      const i64 units = sign_extend(offset, size) >> std::countr_zero(bits_of(size));
      address =
          (address + static_cast<u64>(units * static_cast<i64>(size))) & mask_of(i.address_size);
    }
    const u64 linear = x.linear(i.memory.segment, address, size, i.argument != kTest);
    if (i.argument == kTest)
      old = x.read(linear, size);
    else
      x.modify(linear, size, i.lock, [&](u64 value) {
        old = value;
        return with_bit(value, bit, i.argument);
      });
  } else {
    old = x.load(i, base);
    if (i.argument != kTest) x.store_register(base, with_bit(old, bit, i.argument));
  }
  x.set_flags(kCF, (old & bit) != 0 ? kCF : 0);
}

// BSF and BSR leave the destination alone when the source is zero.
void bit_scan(Execution& x, const Instruction& i) {
  const bool forward = i.argument == 0;
  const u64 source = x.load(i, i.operand[1]);
  x.set_flags(kZF, source == 0 ? kZF : 0);
  if (source == 0) return;
  const int position = forward ? std::countr_zero(source) : 63 - std::countl_zero(source);
  x.store_register(i.operand[0], static_cast<u64>(position));
}

// TZCNT and LZCNT: CF if the source is zero, ZF if the result is.
void count_zeros(Execution& x, const Instruction& i) {
  const bool trailing = i.argument == 0;
  const unsigned size = i.operand[0].size;
  const u64 source = x.load(i, i.operand[1]);
  u64 count = bits_of(size);
  if (source != 0)
    count = static_cast<u64>(trailing ? std::countr_zero(source)
                                      : std::countl_zero(source) -
                                            (64 - static_cast<int>(bits_of(size))));
  x.store_register(i.operand[0], count);
  x.set_flags(kCF | kZF, flag_if(source == 0, kCF) | flag_if(count == 0, kZF));
}

void population_count(Execution& x, const Instruction& i) {
  const u64 source = x.load(i, i.operand[1]);
  x.store_register(i.operand[0], static_cast<u64>(std::popcount(source)));
  x.set_flags(kArithmeticFlags, flag_if(source == 0, kZF));
}

void and_not(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u64 r = ~x.load(i, i.operand[1]) & x.load(i, i.operand[2]) & mask_of(size);
  x.store_register(i.operand[0], r);
  x.set_flags(logic(r, size));
}

// BEXTR: start in bits 0-7 and length in bits 8-15 of the third operand.
void extract_field(Execution& x, const Instruction& i) {
  const u64 source = x.load(i, i.operand[1]);
  const u64 control = x.load(i, i.operand[2]);
  const unsigned start = control & 0xff;
  const unsigned length = (control >> 8) & 0xff;
  u64 r = start < 64 ? source >> start : 0;
  if (length < 64) r &= (u64{1} << length) - 1;
  x.store_register(i.operand[0], r);
  x.set_flags(kArithmeticFlags, flag_if(r == 0, kZF));
}

// BZHI: clears from the bit that the low byte of the third operand names.
void zero_high_bits(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  u64 r = x.load(i, i.operand[1]);
  const unsigned start = x.load(i, i.operand[2]) & 0xff;
  const bool beyond = start >= bits_of(size);
  if (!beyond) r &= (u64{1} << start) - 1;
  x.store_register(i.operand[0], r);
  x.set_flags(kArithmeticFlags, (result_flags(r, size) & ~kPF) | flag_if(beyond, kCF));
}

enum LowestBit : u8 { kIsolate, kMask, kResetLowest };

// BLSI, BLSMSK, BLSR.
void lowest_set_bit(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u64 source = x.load(i, i.operand[1]);
  u64 r = 0;
  bool carry = source == 0;
  switch (i.argument) {
    case kIsolate:
      r = source & (0 - source);
      carry = source != 0;
      break;
    case kMask:
      r = source ^ (source - 1);
      break;
    default:
      r = source & (source - 1);
      break;
  }
  r &= mask_of(size);
  x.store_register(i.operand[0], r);
  x.set_flags(kArithmeticFlags, (result_flags(r, size) & ~kPF) | flag_if(carry, kCF));
}

// PDEP: the low bits of the source go to the places that are set in the mask.
void deposit_bits(Execution& x, const Instruction& i) {
  u64 source = x.load(i, i.operand[1]);
  u64 r = 0;
  for (u64 mask = x.load(i, i.operand[2]); mask != 0; mask &= mask - 1, source >>= 1)
    if ((source & 1) != 0) r |= mask & (0 - mask);
  x.store_register(i.operand[0], r);
}

// PEXT: the bits of the source that are set in the mask go to the low end.
void extract_bits(Execution& x, const Instruction& i) {
  const u64 source = x.load(i, i.operand[1]);
  u64 r = 0;
  unsigned position = 0;
  for (u64 mask = x.load(i, i.operand[2]); mask != 0; mask &= mask - 1, ++position)
    if ((source & mask & (0 - mask)) != 0) r |= u64{1} << position;
  x.store_register(i.operand[0], r);
}

// CRC32 with the Castagnoli polynomial, bits reflected.
void crc32(Execution& x, const Instruction& i) {
  constexpr u32 kPolynomial = 0x82f63b78;
  const Operand& source = i.operand[1];
  u64 data = x.load(i, source);
  u32 crc = static_cast<u32>(x.load(i, i.operand[0]));
  for (unsigned n = 0; n < source.size; ++n, data >>= 8) {
    crc ^= static_cast<u8>(data);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
  }
  x.store_register(i.operand[0], crc);
}

u64 reverse_bytes(u64 value, unsigned size) {
  return __builtin_bswap64(value) >> (64 - bits_of(size));
}

// BSWAP of a 16-bit register is undefined; processors give zero.
void byte_swap(Execution& x, const Instruction& i) {
  const Operand& o = i.operand[0];
  x.store_register(o, o.size == 2 ? 0 : reverse_bytes(x.load(i, o), o.size));
}

void move_big_endian(Execution& x, const Instruction& i) {
  x.store(i, i.operand[0], reverse_bytes(x.load(i, i.operand[1]), i.operand[0].size));
}

}  // namespace

void add_bit_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_BT, bit_test, kTest);
  t.add(ZYDIS_MNEMONIC_BTS, bit_test, kSet);
  t.add(ZYDIS_MNEMONIC_BTR, bit_test, kReset);
  t.add(ZYDIS_MNEMONIC_BTC, bit_test, kComplement);
  t.add(ZYDIS_MNEMONIC_BSF, bit_scan, 0);
  t.add(ZYDIS_MNEMONIC_BSR, bit_scan, 1);
  t.add(ZYDIS_MNEMONIC_TZCNT, count_zeros, 0);
  t.add(ZYDIS_MNEMONIC_LZCNT, count_zeros, 1);
  t.add(ZYDIS_MNEMONIC_POPCNT, population_count);
  t.add(ZYDIS_MNEMONIC_ANDN, and_not);
  t.add(ZYDIS_MNEMONIC_BEXTR, extract_field);
  t.add(ZYDIS_MNEMONIC_BZHI, zero_high_bits);
  t.add(ZYDIS_MNEMONIC_BLSI, lowest_set_bit, kIsolate);
  t.add(ZYDIS_MNEMONIC_BLSMSK, lowest_set_bit, kMask);
  t.add(ZYDIS_MNEMONIC_BLSR, lowest_set_bit, kResetLowest);
  t.add(ZYDIS_MNEMONIC_PDEP, deposit_bits);
  t.add(ZYDIS_MNEMONIC_PEXT, extract_bits);
  t.add(ZYDIS_MNEMONIC_CRC32, crc32);
  t.add(ZYDIS_MNEMONIC_BSWAP, byte_swap);
  t.add(ZYDIS_MNEMONIC_MOVBE, move_big_endian);
}

}  // namespace backplane::x86::interpreter
