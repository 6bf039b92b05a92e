// SPDX-License-Identifier: MIT
// A million random instructions, some at a time, on the host processor, translated, and some of
// them interpreted: all must end in the same state. Operands in memory, page crossings and prefixes
// are as the generator makes them; what is carried from one instruction to the next is flags,
// vector registers and memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "judge.h"
#include "random_instruction.h"
#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using x86::testing::InstructionClass;
using x86::testing::InstructionGenerator;
using x86::testing::RandomInstruction;
using Mode = NativeProcessor::Mode;
using By = TranslatedGuest::By;

// By hand: BACKPLANE_RANDOM_INSTRUCTIONS says another number, BACKPLANE_RANDOM_SEED where to begin.
u64 from_environment(const char* name, u64 otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

// What ends most bundles by a fault; the tests of single instructions have it.
bool faults_often(const RandomInstruction& i) {
  const ZydisMnemonic mnemonic = i.decoded.mnemonic;
  if (mnemonic == ZYDIS_MNEMONIC_DIV || mnemonic == ZYDIS_MNEMONIC_IDIV ||
      mnemonic == ZYDIS_MNEMONIC_INTO || mnemonic == ZYDIS_MNEMONIC_AAM)
    return true;
  // Most vector operands of 16 bytes have to be aligned.
  for (unsigned n = 0; n < i.decoded.operand_count_visible; ++n) {
    const ZydisDecodedOperand& o = i.operands[n];
    if (o.type != ZYDIS_OPERAND_TYPE_MEMORY || o.size < 128) continue;
    u64 address = static_cast<u64>(o.mem.disp.value);
    if (o.mem.base != ZYDIS_REGISTER_NONE)
      address += i.registers.gpr[ZydisRegisterGetId(o.mem.base)];
    if (o.mem.index != ZYDIS_REGISTER_NONE && o.mem.type == ZYDIS_MEMOP_TYPE_MEM)
      address += i.registers.gpr[ZydisRegisterGetId(o.mem.index)] * o.mem.scale;
    if (address % (o.size / 8) != 0) return true;
  }
  return false;
}

class Bundle {
 public:
  static constexpr std::size_t kMost = TranslatedGuest::kCodeBytes - 64;  // bytes

  Bundle(InstructionGenerator& generator, InstructionClass wanted, Mode mode) : mode_(mode) {
    for (;;) {
      const RandomInstruction i = generator.next(wanted);
      if (faults_often(i)) continue;
      if (parts_.empty()) start_ = i.registers;
      std::vector<u8> next = operands(i);
      next.insert(next.end(), i.bytes.begin(), i.bytes.end());
      // What it leaves undefined must not be read.
      if ((i.defined_flags & x86::kArithmeticFlags) != x86::kArithmeticFlags) {
        next.push_back(0x3d);  // CMP AX or EAX, imm
        append(next, generator.number(), mode_ == Mode::Compatibility16 ? 2 : 4);
      }
      if (code_.size() + next.size() > kMost) return;
      code_.insert(code_.end(), next.begin(), next.end());
      parts_.push_back(i);
    }
  }

  const std::vector<u8>& code() const { return code_; }
  const Registers& start() const { return start_; }
  std::size_t instructions() const { return parts_.size(); }
  std::string text() const {
    std::string text;
    for (const RandomInstruction& i : parts_) text += "  " + i.text() + "\n";
    return text;
  }

 private:
  static void append(std::vector<u8>& to, u64 value, unsigned size) {
    for (unsigned n = 0; n < size; ++n) to.push_back(static_cast<u8>(value >> 8 * n));
  }

  // Loads of the general registers that it names, with what it was given.
  std::vector<u8> operands(const RandomInstruction& i) const {
    u16 named = 0;
    const auto name = [&](ZydisRegister reg) {
      const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
      if (ZydisRegisterGetClass(whole) == ZYDIS_REGCLASS_GPR64)
        named |= static_cast<u16>(1u << ZydisRegisterGetId(whole));
    };
    for (unsigned n = 0; n < i.decoded.operand_count; ++n) {
      const ZydisDecodedOperand& o = i.operands[n];
      if (o.type == ZYDIS_OPERAND_TYPE_REGISTER) name(o.reg.value);
      if (o.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
      name(o.mem.base);
      name(o.mem.index);
    }
    std::vector<u8> loads;
    for (u8 n = 0; n < 16; ++n) {
      if ((named >> n & 1) == 0) continue;
      if (mode_ == Mode::Long) loads.push_back(n < 8 ? 0x48 : 0x49);
      if (mode_ == Mode::Compatibility16) loads.push_back(0x66);
      loads.push_back(0xb8 | (n & 7));
      append(loads, i.registers.gpr[n], mode_ == Mode::Long ? 8 : 4);
    }
    return loads;
  }

  Mode mode_;
  std::vector<u8> code_;
  std::vector<RandomInstruction> parts_;
  Registers start_;
};

class Bundles : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { x86::testing::announce_judge(); }

  struct Outcome {
    bool done = false;
    Registers registers;
    std::vector<u8> memory;
  };

  Outcome run_natively(const Bundle& bundle, Mode mode) {
    Outcome o{.registers = bundle.start()};
    o.done = processor_.run(mode, bundle.code(), o.registers, true) == 0;
    keep_memory(o);
    return o;
  }
  Outcome run(const Bundle& bundle, Mode mode, By by) {
    Outcome o{.registers = bundle.start()};
    o.done = guest_.run(bundle.code(), o.registers, mode, by);
    // All that the host tells, too.
    if (mode == Mode::Compatibility16) o.registers.gpr[x86::RSP] &= 0xffff;
    keep_memory(o);
    return o;
  }
  // And puts what was there before back.
  void keep_memory(Outcome& o) {
    u8* const memory = guest_.arena.data() + TranslatedGuest::kCodeBytes;
    o.memory.assign(memory, guest_.arena.data() + Arena::kSize);
    std::copy(before_.begin(), before_.end(), memory);
  }

  static std::string difference(const Outcome& native, const Outcome& other) {
    if (native.done != other.done) return native.done ? "faults" : "does not fault";
    if (!native.done) return {};
    for (unsigned n = 0; n < 16; ++n)
      if (native.registers.gpr[n] != other.registers.gpr[n])
        return fmt::format("register {}: {:x}, native {:x}", n, other.registers.gpr[n],
                           native.registers.gpr[n]);
    if (((native.registers.rflags ^ other.registers.rflags) & x86::kArithmeticFlags) != 0)
      return fmt::format("flags {:x}, native {:x}", other.registers.rflags,
                         native.registers.rflags);
    if (native.memory != other.memory) return "memory";
    // XSAVE leaves a component that is in its initial state out.
    const auto differs = [&](unsigned at, unsigned size, u8 component) {
      return (native.registers.xsave[512] & other.registers.xsave[512] & component) != 0 &&
             std::memcmp(native.registers.xsave + at, other.registers.xsave + at, size) != 0;
    };
    if (differs(160, 256, 2)) return "XMM registers";
    if (differs(576, 256, 4)) return "upper halves of YMM registers";
    for (unsigned n = 0; n < 8; ++n)
      if (differs(32 + 16 * n, 10, 1)) return fmt::format("x87 register {}", n);
    return {};
  }

  void compare(InstructionClass wanted, Mode mode, u64 share) {
    if (wanted == InstructionClass::Vector && __builtin_cpu_supports("avx") == 0)
      GTEST_SKIP() << "the host has no AVX";
    const u64 count = from_environment("BACKPLANE_RANDOM_INSTRUCTIONS", 1'000'000) / share;
    InstructionGenerator generator(guest_.arena,
                                   from_environment("BACKPLANE_RANDOM_SEED", 20261130));
    generator.set_mode(mode);
    if (mode == Mode::Compatibility16 && !processor_.set_data_segment(guest_.arena.address()))
      GTEST_SKIP() << "the host's kernel has no 16-bit segments";
    Registers nothing;
    nothing.gpr[x86::RSP] = guest_.arena.middle();
    if (mode == Mode::Compatibility16) nothing.gpr[x86::RSP] -= guest_.arena.address();
    if (processor_.run(mode, std::array<u8, 1>{0x90}, nothing, false) != 0)
      GTEST_SKIP() << "the host does not run such code";
    u64 done = 0;
    for (u64 n = 0; done < count; ++n) {
      if (n % 16 == 0) {
        generator.fill_arena();
        before_.assign(guest_.arena.data() + TranslatedGuest::kCodeBytes,
                       guest_.arena.data() + Arena::kSize);
      }
      const Bundle bundle(generator, wanted, mode);
      const Outcome native = run_natively(bundle, mode);
      ASSERT_EQ(difference(native, run(bundle, mode, By::Translator)), "") << "translated:\n"
                                                                           << bundle.text();
      if (n % kInterpretOneIn == 0) {
        ASSERT_EQ(difference(native, run(bundle, mode, By::Interpreter)), "") << "interpreted:\n"
                                                                              << bundle.text();
      }
      // Of those that fault only part was compared.
      if (native.done) done += bundle.instructions();
      ASSERT_LT(n, count) << "most bundles fault";
    }
  }

  static constexpr u64 kInterpretOneIn = 8;
  NativeProcessor processor_;
  TranslatedGuest guest_{TranslatedGuest::default_options(), x86::testing::model_of_judge()};
  std::vector<u8> before_;  // in the arena
};

TEST_F(Bundles, OfIntegerInstructionsDoWhatTheHostDoes) {
  compare(InstructionClass::Integer, Mode::Long, 4);
}

TEST_F(Bundles, OfVectorInstructionsDoWhatTheHostDoes) {
  compare(InstructionClass::Vector, Mode::Long, 4);
}

TEST_F(Bundles, OfIntegerInstructionsIn32BitCodeDoWhatTheHostDoes) {
  compare(InstructionClass::Integer, Mode::Compatibility, 4);
}

TEST_F(Bundles, OfVectorInstructionsIn32BitCodeDoWhatTheHostDoes) {
  compare(InstructionClass::Vector, Mode::Compatibility, 4);
}

TEST_F(Bundles, OfIntegerInstructionsIn16BitCodeDoWhatTheHostDoes) {
  compare(InstructionClass::Integer, Mode::Compatibility16, 8);
}

TEST_F(Bundles, OfVectorInstructionsIn16BitCodeDoWhatTheHostDoes) {
  compare(InstructionClass::Vector, Mode::Compatibility16, 8);
}

}  // namespace
}  // namespace backplane::tcg::testing
