// SPDX-License-Identifier: MIT
// Random instructions on the host processor and on the interpreter, from the same state: both
// must end in the same one, or both must fault.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "judge.h"
#include "random_instruction.h"
#include "test_guest.h"

namespace backplane::x86::testing {
namespace {

constexpr u64 kSeed = 20240613;

class Differential : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { announce_judge(); }

  // Runs both and returns a description of the first difference, empty if there is none.
  std::string compare(const RandomInstruction& i, NativeProcessor::Mode mode, bool vector) {
    guest.memory.direct = generator.number() % 4 != 0;
    const std::vector<u8> before(guest.arena.data(), guest.arena.data() + Arena::kSize);
    Registers native = i.registers;
    const int signal = processor.run(mode, i.bytes, native, vector);
    const std::vector<u8> native_memory(guest.arena.data(), guest.arena.data() + Arena::kSize);
    std::copy(before.begin(), before.end(), guest.arena.data());

    if (mode == NativeProcessor::Mode::Long)
      guest.enter_long_mode(true);
    else
      guest.enter_compatibility_mode(true);
    X86State& s = guest.state();
    s.shutdown = 0;
    std::copy(std::begin(i.registers.gpr), std::end(i.registers.gpr), s.gpr);
    s.rflags = i.registers.rflags;
    std::memcpy(s.xsave, i.registers.xsave, sizeof s.xsave);
    guest.load(i.bytes);
    Interpreter::Step step = guest.interpreter->step();
    // Repeated instructions may take several steps.
    while (step == Interpreter::Step::Done && s.rip == guest.arena.address()) {
      step = guest.interpreter->step();
    }
    // The code itself is not part of the comparison.
    std::memcpy(guest.arena.data(), before.data(), 16);
    const bool faulted = step != Interpreter::Step::Done;
    if (faulted != (signal != 0))
      return faulted ? "interpreter faults" : "host signal " + std::to_string(signal);
    if (faulted) {
      std::copy(before.begin(), before.end(), guest.arena.data());
      return {};
    }
    if (s.rip != guest.arena.address() + i.bytes.size()) return "wrong length";
    for (unsigned n = 0; n < 16; ++n)
      if (s.gpr[n] != native.gpr[n])
        return fmt::format("register {}: {:x}, native {:x}, was {:x}", n, s.gpr[n], native.gpr[n],
                           i.registers.gpr[n]);
    if (((s.rflags ^ native.rflags) & i.defined_flags) != 0)
      return fmt::format("flags {:x}, native {:x}", s.rflags, native.rflags);
    if (std::memcmp(guest.arena.data(), native_memory.data(), Arena::kSize) != 0) return "memory";
    return vector ? compare_vectors(s, native) : std::string();
  }

  static std::string compare_vectors(const X86State& s, const Registers& native) {
    // XSAVE leaves a component that is in its initial state out: then its registers are zero.
    u64 native_in_use = 0;
    std::memcpy(&native_in_use, native.xsave + 512, 8);
    const auto same = [&](unsigned at, unsigned size, u64 component) {
      static constexpr u8 kZeros[256] = {};
      const u8* expected = (native_in_use & component) != 0 ? native.xsave + at : kZeros;
      return std::memcmp(s.xsave + at, expected, size) == 0;
    };
    if (!same(160, 256, 2)) return "XMM registers";
    if (!same(576, 256, 4)) return "upper YMM registers";
    if (std::memcmp(s.xsave + 24, native.xsave + 24, 4) != 0) {
      u32 a, b;
      std::memcpy(&a, s.xsave + 24, 4);
      std::memcpy(&b, native.xsave + 24, 4);
      return fmt::format("MXCSR {:x}, native {:x}", a, b);
    }
    if ((native_in_use & 1) == 0) return {};
    if (std::memcmp(s.xsave, native.xsave, 2) != 0) return "x87 control";
    if (std::memcmp(s.xsave + 2, native.xsave + 2, 2) != 0) return "x87 status";
    if (s.xsave[4] != native.xsave[4]) return "x87 tags";
    for (unsigned n = 0; n < 8; ++n)
      if (std::memcmp(s.xsave + 32 + 16 * n, native.xsave + 32 + 16 * n, 10) != 0)
        return "x87 register " + std::to_string(n);
    return {};
  }

  void run(NativeProcessor::Mode mode, InstructionClass wanted, unsigned count) {
    if (wanted == InstructionClass::Vector && __builtin_cpu_supports("avx") == 0)
      GTEST_SKIP() << "the host has no AVX";
    Registers nothing;
    if (processor.run(mode, std::array<u8, 1>{0x90}, nothing, false) != 0)
      GTEST_SKIP() << "the host does not run 32-bit code";
    generator.set_mode(mode);
    generator.fill_arena();
    std::map<ZydisMnemonic, unsigned> done;
    std::map<ZydisMnemonic, unsigned> differences;
    for (unsigned n = 0; n < count;) {
      const RandomInstruction i = generator.next(wanted);
      // The same number of each, as far as their encodings are equally frequent.
      if (++done[i.decoded.mnemonic] > count / 50 + 4) {
        if (done[i.decoded.mnemonic] % 64 != 0) continue;
      }
      ++n;
      if (n % 64 == 0) generator.fill_arena();
      const std::string difference = compare(i, mode, wanted == InstructionClass::Vector);
      if (!difference.empty() && ++differences[i.decoded.mnemonic] <= 2)
        ADD_FAILURE() << i.text() << ": " << difference;
    }
    RecordProperty("mnemonics", static_cast<int>(done.size()));
  }

  TestGuest guest{model_of_judge()};
  NativeProcessor processor;
  InstructionGenerator generator{guest.arena, kSeed};
};

TEST_F(Differential, IntegerInstructionsDoWhatTheHostDoes) {
  run(NativeProcessor::Mode::Long, InstructionClass::Integer, 12000);
}

TEST_F(Differential, VectorInstructionsDoWhatTheHostDoes) {
  run(NativeProcessor::Mode::Long, InstructionClass::Vector, 12000);
}

TEST_F(Differential, IntegerInstructionsOf32BitCodeDoWhatTheHostDoes) {
  run(NativeProcessor::Mode::Compatibility, InstructionClass::Integer, 12000);
}

TEST_F(Differential, VectorInstructionsOf32BitCodeDoWhatTheHostDoes) {
  run(NativeProcessor::Mode::Compatibility, InstructionClass::Vector, 12000);
}

}  // namespace
}  // namespace backplane::x86::testing
