// SPDX-License-Identifier: MIT
// Random instructions on the host processor and translated, from the same state: both must end in
// the same one, or both must fault.
#include <gtest/gtest.h>

#include <map>

#include "judge.h"
#include "random_instruction.h"
#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using x86::testing::InstructionClass;
using x86::testing::InstructionGenerator;
using x86::testing::RandomInstruction;

constexpr u64 kSeed = 20261122;

class TranslatedDifferential : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { x86::testing::announce_judge(); }

  using Mode = NativeProcessor::Mode;

  std::string compare(const RandomInstruction& i, bool vector, Mode mode) {
    Arena& arena = guest.arena;
    const std::vector<u8> before(arena.data(), arena.data() + Arena::kSize);
    Registers native = i.registers;
    const int signal = processor.run(mode, i.bytes, native, vector);
    const std::vector<u8> native_memory(arena.data(), arena.data() + Arena::kSize);
    std::copy(before.begin(), before.end(), arena.data());

    Registers translated = i.registers;
    const bool done = guest.run(i.bytes, translated, mode);
    if (done != (signal == 0)) return done ? fmt::format("host signal {}", signal) : "faults";
    if (!done) {
      std::copy(before.begin(), before.end(), arena.data());
      return {};
    }
    if (guest.end() != arena.address() + i.bytes.size() + 1) return "wrong length";
    for (unsigned n = 0; n < 16; ++n)
      if (translated.gpr[n] != native.gpr[n])
        return fmt::format("register {}: {:x}, native {:x}, was {:x}", n, translated.gpr[n],
                           native.gpr[n], i.registers.gpr[n]);
    if (((translated.rflags ^ native.rflags) & i.defined_flags & x86::kArithmeticFlags) != 0)
      return fmt::format("flags {:x}, native {:x}", translated.rflags, native.rflags);
    if (std::memcmp(arena.data() + TranslatedGuest::kCodeBytes,
                    native_memory.data() + TranslatedGuest::kCodeBytes,
                    Arena::kSize - TranslatedGuest::kCodeBytes) != 0)
      return "memory";
    if (vector && std::memcmp(translated.xsave + 160, native.xsave + 160, 256) != 0 &&
        (native.xsave[512] & 2) != 0 && (translated.xsave[512] & 2) != 0)
      return "XMM registers";
    return {};
  }

  void run(InstructionClass wanted, unsigned count, Mode mode = Mode::Long) {
    generator.set_mode(mode);
    generator.fill_arena();
    std::map<ZydisMnemonic, unsigned> done, differences;
    for (unsigned n = 0; n < count;) {
      const RandomInstruction i = generator.next(wanted);
      if (++done[i.decoded.mnemonic] > count / 50 + 4) continue;
      ++n;
      if (n % 64 == 0) generator.fill_arena();
      const std::string difference = compare(i, wanted == InstructionClass::Vector, mode);
      if (!difference.empty() && ++differences[i.decoded.mnemonic] <= 2)
        ADD_FAILURE() << i.text() << ": " << difference;
    }
  }

  // The interpreter does each HLT, and the forms that the translator leaves to it.
  void expect_mostly_translated(unsigned count) {
    const u64 interpreted = guest.counters().interpreted - interpreted_before - count;
    EXPECT_LT(interpreted, count / 3) << "instructions left to the interpreter";
    RecordProperty("interpreted", static_cast<int>(interpreted));
  }

  // One of each for all tests.
  static NativeProcessor& shared_processor() {
    static NativeProcessor one;
    return one;
  }
  static TranslatedGuest& shared_guest() {
    static TranslatedGuest one(TranslatedGuest::default_options(), x86::testing::model_of_judge());
    return one;
  }

  NativeProcessor& processor = shared_processor();
  TranslatedGuest& guest = shared_guest();
  u64 interpreted_before = guest.counters().interpreted;
  InstructionGenerator generator{guest.arena, kSeed};
};

TEST_F(TranslatedDifferential, IntegerInstructionsDoWhatTheHostDoes) {
  run(InstructionClass::Integer, 4000);
  expect_mostly_translated(4000);
}

TEST_F(TranslatedDifferential, VectorInstructionsDoWhatTheHostDoes) {
  run(InstructionClass::Vector, 4000);
  expect_mostly_translated(4000);
}

TEST_F(TranslatedDifferential, IntegerInstructionsOf32BitCodeDoWhatTheHostDoes) {
  run(InstructionClass::Integer, 4000, Mode::Compatibility);
  expect_mostly_translated(4000);
}

TEST_F(TranslatedDifferential, VectorInstructionsOf32BitCodeDoWhatTheHostDoes) {
  run(InstructionClass::Vector, 4000, Mode::Compatibility);
  expect_mostly_translated(4000);
}

}  // namespace
}  // namespace backplane::tcg::testing
