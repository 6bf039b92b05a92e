// SPDX-License-Identifier: MIT
// Random sequences of instructions that end in a fault, translated and interpreted: the frame of
// the exception holds the flags as the last instruction left them, whoever overwrites them
// afterwards.
#include <gtest/gtest.h>
#include <xbyak/xbyak.h>

#include <random>

#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using By = TranslatedGuest::By;

constexpr u64 kNowhere = u64{1} << 46;

// Numbers in most registers, an address of memory in RBX, that of nothing in RBP.
class Faulting : public Xbyak::CodeGenerator {
 public:
  Faulting(std::mt19937_64& random, bool long_blocks)
      : Xbyak::CodeGenerator(4096), random_(random) {
    const unsigned before = 1 + number(8);
    for (unsigned n = 0; n < before; ++n) instruction();
    if (!long_blocks) {
      // The fault is in a block of its own, or in one whose target is looked at.
      Xbyak::Label next;
      switch (number(4)) {
        case 0:
          jmp(next, T_NEAR);
          int3();
          break;
        case 1:
          jz(next, T_NEAR);
          break;
        case 2:
          jnc(next, T_NEAR);
          break;
        default:
          jmp(next, T_SHORT);
          break;
      }
      L(next);
      for (unsigned n = number(3); n != 0; --n) instruction();
    }
    fault();
    for (unsigned n = number(4); n != 0; --n) silent();
    overwrite();
    hlt();
  }

 private:
  unsigned number(unsigned below) { return static_cast<unsigned>(random_() % below); }
  Xbyak::Reg any(unsigned size) {
    static constexpr int kNumbers[] = {0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const int n = kNumbers[number(13)];
    if (size == 8) return Xbyak::Reg64(n);
    if (size == 4) return Xbyak::Reg32(n);
    if (size == 2) return Xbyak::Reg16(n);
    return Xbyak::Reg8(n, n >= 4 && n < 8);
  }
  unsigned size() { return 1u << number(4); }
  Xbyak::Address memory(unsigned size) {
    const Xbyak::RegExp e = rbx + static_cast<int>(number(64)) * 8;
    return size == 8 ? qword[e] : size == 4 ? dword[e] : size == 2 ? word[e] : byte[e];
  }

  void instruction() {
    switch (number(5)) {
      case 0:
      case 1:
        return flags();
      case 2:
        return silent();
      case 3: {
        const unsigned s = size();
        return number(3) == 0 ? mov(memory(s), any(s)) : mov(any(s), memory(s));
      }
      default:
        return flags();
    }
  }

  void flags() {
    const unsigned s = size();
    const Xbyak::Reg r = any(s);
    const int i = static_cast<int>(number(100)) - 50;
    const bool with_itself = number(6) == 0;
    const Xbyak::Reg o = with_itself ? r : any(s);
    switch (number(34)) {
      case 0:
        return add(r, o);
      case 1:
        return sub(r, o);
      case 2:
        return cmp(r, o);
      case 3:
        return test(r, o);
      case 4:
        return and_(r, o);
      case 5:
        return or_(r, o);
      case 6:
        return xor_(r, o);
      case 7:
        return add(r, i);
      case 8:
        return sub(r, i);
      case 9:
        return cmp(r, i);
      case 10:
        return test(r, i);
      case 11:
        return and_(r, i);
      case 12:
        return neg(r);
      case 13:
        return inc(r);
      case 14:
        return dec(r);
      case 15:
        return adc(r, o);
      case 16:
        return sbb(r, i);
      case 17:
        return shl(r, 1);
      case 18:
        return shr(r, 1);
      case 19:
        return add(r, memory(s));
      case 20:
        return cmp(r, memory(s));
      case 21:
        return cmp(memory(s), r);
      case 22:
        return and_(r, memory(s));
      case 23:
        return add(memory(s), r);
      case 24:
        return stc();
      case 25:
        return clc();
      case 26:
        return cmc();
      case 27:
        return inc(memory(s));
      case 28:
        return xor_(r, r);
      case 29:
        return cmp(al, i);
      case 30:
        return test(ah, 5);
      case 31:
        return push(rax), pop(rcx);
      case 32:
        return cmp(eax, 0x12345678);
      default:
        return sub(r, memory(s));
    }
  }

  // Leaves the flags alone.
  void silent() {
    const Xbyak::Reg r = any(8);
    switch (number(8)) {
      case 0:
        return mov(r, any(8));
      case 1:
        return mov(r.cvt32(), static_cast<u32>(number(1000)));
      case 2:
        return lea(r, ptr[rbx + rax * 2 + 5]);
      case 3:
        return bswap(r.cvt32());
      case 4:
        return movzx(r.cvt32(), byte[rbx + 3]);
      case 5:
        return setc(al);
      case 6:
        return not_(r);
      default:
        return xchg(rax, r);
    }
  }

  void fault() {
    switch (number(9)) {
      case 0:
        return mov(ptr[rbp], rax);
      case 1:
        return add(rax, ptr[rbp]);
      case 2: {
        mov(ecx, 0);
        return div(ecx);
      }
      case 3:
        return movaps(xmm0, ptr[rbx + 1]);
      case 4:
        return push(qword[rbp]);
      case 5:
        return inc(dword[rbp + 8]);
      case 6:
        return call(ptr[rbp]);
      case 7:
        return divss(xmm0, xmm1);  // 0 by 0, all exceptions being unmasked
      default:
        return mov(any(8), ptr[rbp]);
    }
  }

  void overwrite() {
    switch (number(4)) {
      case 0:
        return xor_(eax, eax);
      case 1:
        return add(rcx, 5);
      case 2:
        return cmp(rax, rdx);
      default:
        return test(rsi, rsi);
    }
  }

  std::mt19937_64& random_;
};

void expect_exact_flags(const TranslatorOptions& options, bool long_blocks) {
  TranslatedGuest guest(options);
  Arena& arena = guest.arena;
  std::mt19937_64 random(20261130);
  for (unsigned n = 0; n < 6000; ++n) {
    const Faulting sequence(random, long_blocks);
    const std::vector<u8> code(sequence.getCode(), sequence.getCode() + sequence.getSize());
    ASSERT_LT(code.size(), TranslatedGuest::kCodeBytes);
    Registers start{};
    for (u64& value : start.gpr) value = random();
    start.gpr[x86::RBX] = arena.address(0x1000);
    start.gpr[x86::RBP] = kNowhere;
    start.gpr[x86::RSP] = arena.address(0x3000);
    start.rflags = 2 | (random() & x86::kArithmeticFlags);
    const std::vector<u8> before(arena.data(), arena.data() + Arena::kSize);
    Registers interpreted = start, translated = start;
    guest.run(code, interpreted, NativeProcessor::Mode::Long, By::Interpreter);
    const u64 end = guest.end();
    const auto fault = guest.fault();
    std::copy(before.begin(), before.end(), arena.data());
    guest.run(code, translated);
    std::string text;
    for (const u8 byte : code) text += fmt::format("{:02x}", byte);
    ASSERT_EQ(guest.fault(), fault) << text;
    ASSERT_EQ(guest.end(), end) << text;
    // Operations on bits leave AF undefined.
    constexpr u64 kDefined = x86::kArithmeticFlags & ~x86::kAF;
    ASSERT_EQ(translated.rflags & kDefined, interpreted.rflags & kDefined)
        << "sequence " << n << ": " << text;
    for (unsigned r = 0; r < 16; ++r) ASSERT_EQ(translated.gpr[r], interpreted.gpr[r]) << text;
  }
}

TEST(FlagsAtFault, AreThoseOfTheLastInstruction) {
  expect_exact_flags(TranslatedGuest::default_options(), true);
}

TEST(FlagsAtFault, AreThoseOfTheLastInstructionOfAnotherBlock) {
  expect_exact_flags(TranslatedGuest::default_options(), false);
}

TEST(FlagsAtFault, AreThoseOfTheLastInstructionWithoutBmi2) {
  TranslatorOptions options = TranslatedGuest::default_options();
  options.bmi2 = false;
  expect_exact_flags(options, false);
}

TEST(FlagsAtFault, AreThoseOfTheLastInstructionInBlocksOfOne) {
  TranslatorOptions options = TranslatedGuest::default_options();
  options.limits.instructions = 1;
  expect_exact_flags(options, false);
}

}  // namespace
}  // namespace backplane::tcg::testing
