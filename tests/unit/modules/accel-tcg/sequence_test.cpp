// SPDX-License-Identifier: MIT
// Random sequences of instructions on the host processor and translated: what is carried from one
// instruction to the next (host addresses in scratch registers, flags) must not show.
#include <gtest/gtest.h>
#include <xbyak/xbyak.h>

#include <random>

#include "judge.h"
#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

constexpr unsigned kSequences = 6000;
constexpr unsigned kRsp = 4;

class Sequence : public Xbyak::CodeGenerator {
 public:
  explicit Sequence(std::mt19937_64& random) : Xbyak::CodeGenerator(4096), random_(random) {
    const unsigned count = 4 + number(20);
    for (unsigned n = 0; n < count && getSize() < 200; ++n) instruction();
    L(skip_);
  }

  // Registers that hold addresses, others hold numbers.
  static constexpr unsigned kBases[] = {kRsp, 3, 5, 6, 13, 14, 15};
  static constexpr unsigned kNumbers[] = {0, 1, 2, 7, 8, 9, 10, 11, 12};

 private:
  unsigned number(unsigned below) { return static_cast<unsigned>(random_() % below); }
  Xbyak::Reg64 base() { return Xbyak::Reg64(static_cast<int>(kBases[number(7)])); }
  Xbyak::Reg64 value() { return Xbyak::Reg64(static_cast<int>(kNumbers[number(9)])); }
  int step() { return static_cast<int>(number(9)) * 8 - 32; }
  Xbyak::RegExp place() { return base() + (static_cast<int>(number(48)) * 4 - 96); }

  void instruction() {
    const Xbyak::Reg64 r = value();
    switch (number(26)) {
      case 0:
      case 1:
      case 2:
        return mov(r, qword[place()]);
      case 3:
      case 4:
        return mov(qword[place()], r);
      case 5:
        return mov(dword[place()], r.cvt32());
      case 6:
        return add(r, qword[place()]);
      case 7:
        return adc(qword[place()], r);
      case 8:
        return sub(dword[place()], static_cast<int>(number(1000)));
      case 9:
        return movzx(r.cvt32(), byte[place()]);
      case 10:
        return push(number(2) != 0 ? r : base());
      case 11:
        return pop(r);
      case 12:
        return push(qword[place()]);
      case 13:
        return number(2) != 0 ? add(base(), step()) : sub(base(), step());
      case 14: {
        const Xbyak::Reg64 b = base();
        return lea(b, ptr[b + step()]);
      }
      case 15:
        return mov(base(), base());
      case 16:
        return lea(r, ptr[base() + value() * 4 + step()]);
      case 17:
        return lea(r.cvt32(), ptr[base() + step()]);
      case 18:
        return mulx(r, value(), qword[place()]);
      case 19:
        return adcx(r, qword[place()]);
      case 20:
        return adox(r, qword[place()]);
      case 21:
        return cmp(r, qword[place()]);
      case 22: {  // an index that a mask has made small
        const Xbyak::Reg64 index = value(), b = base();
        and_(index.cvt32(), 7);
        mov(r, qword[b + index * 8]);
        return add(qword[b + index * 8 + 16], 5);
      }
      case 23:
        return number(2) != 0 ? jc(skip_, T_NEAR) : jnz(skip_, T_NEAR);
      case 24:
        return cmovc(r, qword[place()]);
      default:
        return movups(xmm3, xword[place()]);
    }
  }

  std::mt19937_64& random_;
  Xbyak::Label skip_;
};

TEST(TranslatedSequence, DoesWhatTheHostDoes) {
  x86::testing::announce_judge();
  NativeProcessor processor;
  TranslatedGuest guest(TranslatedGuest::default_options(), x86::testing::model_of_judge());
  Arena& arena = guest.arena;
  std::mt19937_64 random(20261123);
  const u64 low = arena.address() + TranslatedGuest::kCodeBytes;
  for (unsigned n = 0; n < kSequences; ++n) {
    if (n % 64 == 0)
      for (u64 at = 0; at < Arena::kSize; at += 8) {
        const u64 value = random();
        std::memcpy(arena.data() + at, &value, 8);
      }
    const Sequence sequence(random);
    const std::span code(sequence.getCode(), sequence.getSize());
    Registers start{};
    for (u64& value : start.gpr) value = random();
    for (const unsigned number : Sequence::kBases) {
      // Often where accesses lie on both sides of a page's end.
      const u64 page =
          arena.address() + kPageSize * (1 + random() % (Arena::kSize / kPageSize - 2));
      start.gpr[number] = random() % 3 == 0 ? page + random() % 32 * 8 : page + random() % 4096;
    }
    ASSERT_GT(start.gpr[kRsp], low + 1024);
    start.rflags = 2 | (random() & x86::kArithmeticFlags);
    const std::vector<u8> before(arena.data(), arena.data() + Arena::kSize);
    Registers native = start;
    const std::vector<u8> bytes(code.begin(), code.end());
    const int signal = processor.run(NativeProcessor::Mode::Long, bytes, native, true);
    const std::vector<u8> after(arena.data(), arena.data() + Arena::kSize);
    std::copy(before.begin(), before.end(), arena.data());
    Registers translated = start;
    const bool done = guest.run(bytes, translated);
    const auto hex = [&] {
      std::string text;
      for (const u8 byte : bytes) text += fmt::format("{:02x}", byte);
      return text;
    };
    ASSERT_EQ(done, signal == 0) << "sequence " << n << ": " << hex();
    if (!done) {
      std::copy(before.begin(), before.end(), arena.data());
      continue;
    }
    for (unsigned r = 0; r < 16; ++r)
      ASSERT_EQ(translated.gpr[r], native.gpr[r])
          << "register " << r << " of sequence " << n << ": " << hex();
    ASSERT_EQ(translated.rflags & (x86::kCF | x86::kZF | x86::kSF | x86::kOF | x86::kPF),
              native.rflags & (x86::kCF | x86::kZF | x86::kSF | x86::kOF | x86::kPF))
        << "flags of sequence " << n << ": " << hex();
    ASSERT_EQ(std::memcmp(arena.data() + TranslatedGuest::kCodeBytes,
                          after.data() + TranslatedGuest::kCodeBytes,
                          Arena::kSize - TranslatedGuest::kCodeBytes),
              0)
        << "memory after sequence " << n << ": " << hex();
  }
}

}  // namespace
}  // namespace backplane::tcg::testing
