// SPDX-License-Identifier: MIT
// Random instructions natively in a guest, and by themselves on this machine's processor, from the
// same state: what is between a guest's registers and a stub's, and pages that are mapped when they
// are touched, must not show.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "backplane/x86/xsave_image.h"
#include "native_guest.h"
#include "random_instruction.h"

namespace backplane::native {
namespace {

using namespace x86;
using x86::testing::Arena;
using x86::testing::InstructionClass;
using x86::testing::InstructionGenerator;
using x86::testing::NativeProcessor;
using x86::testing::RandomInstruction;
using x86::testing::Registers;

constexpr u64 kSeed = 20261130;

class Differential : public NativeGuest {
 protected:
  static constexpr u64 kArenaPages = 0x180000, kMoreTables = 0x20000;
  static constexpr u8 kHalt = 0xf4;  // which ring 3 may not

  Differential() {
    for (u64 at = 0; at < Arena::kSize; at += kPageSize)
      map_anywhere(arena_.address(at), kArenaPages + at);
  }

  // What differs; empty if nothing does.
  std::string compare(const RandomInstruction& i, bool vector) {
    const std::vector<u8> before(arena_.data(), arena_.data() + Arena::kSize);
    Registers native = i.registers;
    const int signal = processor_.run(NativeProcessor::Mode::Long, i.bytes, native, vector);
    const std::vector<u8> native_memory(arena_.data(), arena_.data() + Arena::kSize);
    std::copy(before.begin(), before.end(), arena_.data());

    machine.memory().write(kArenaPages, before.data(), before.size());
    std::copy(std::begin(i.registers.gpr), std::end(i.registers.gpr), s.gpr);
    s.rflags = i.registers.rflags | kIF;
    std::memcpy(s.xsave, i.registers.xsave, sizeof s.xsave);
    Bytes code = i.bytes;
    code.push_back(kHalt);
    if (run(code) != Left::Instruction) return "it was not run";
    const bool faulted = s.rip == kCode;
    if (faulted != (signal != 0)) return fmt::format("it faults: {}, signal {}", faulted, signal);
    if (faulted) return {};
    if (s.rip != kCode + i.bytes.size()) return fmt::format("ends at {:x}", s.rip);
    for (unsigned n = 0; n < 16; ++n)
      if (s.gpr[n] != native.gpr[n])
        return fmt::format("register {}: {:x}, by itself {:x}", n, s.gpr[n], native.gpr[n]);
    if (((s.rflags ^ native.rflags) & i.defined_flags) != 0)
      return fmt::format("flags {:x}, by itself {:x}", s.rflags, native.rflags);
    std::vector<u8> memory(Arena::kSize);
    machine.memory().read(kArenaPages, memory.data(), memory.size());
    if (memory != native_memory) return "memory";
    return vector ? compare_vectors(native) : std::string();
  }

  // XSAVE leaves out what is in its initial state: that are zeros.
  static std::vector<u8> component(const u8* image, unsigned at, unsigned size, u64 bit) {
    u64 in_use;
    std::memcpy(&in_use, image + kXstateBv, sizeof in_use);
    return (in_use & bit) != 0 ? std::vector<u8>(image + at, image + at + size)
                               : std::vector<u8>(size);
  }

  std::string compare_vectors(const Registers& native) const {
    const auto same = [&](unsigned at, unsigned size, u64 bit) {
      return component(s.xsave, at, size, bit) == component(native.xsave, at, size, bit);
    };
    if (!same(kXmm, 256, 2)) return "XMM registers";
    if (!same(kYmmHigh, 256, 4)) return "upper YMM registers";
    if (std::memcmp(s.xsave + kMxcsr, native.xsave + kMxcsr, 4) != 0) return "MXCSR";
    if (!same(kFcw, 5, 1)) return "x87 control, status, tags";
    for (unsigned n = 0; n < 8; ++n)
      if (!same(x86::kStack + 16 * n, 10, 1)) return fmt::format("x87 register {}", n);
    return {};
  }

  void compare(InstructionClass wanted, unsigned count) {
    InstructionGenerator generator(arena_, kSeed);
    unsigned different = 0;
    for (unsigned n = 0; n < count && different < 5; ++n) {
      if (n % 64 == 0) generator.fill_arena();
      const RandomInstruction i = generator.next(wanted);
      const std::string difference = compare(i, wanted == InstructionClass::Vector);
      if (difference.empty()) continue;
      ADD_FAILURE() << i.text() << ": " << difference;
      ++different;
    }
    EXPECT_EQ(vcpu.counters().lost, 0u);
    EXPECT_GT(vcpu.counters().entries, count / 2) << "others are translated";
  }

 private:
  // A page of data, with the tables that lead to it.
  void map_anywhere(u64 linear, u64 physical) {
    AddressSpace& memory = machine.memory();
    u64 table = kTables;
    for (unsigned shift = 39; shift > 12; shift -= 9) {
      const u64 at = table + (linear >> shift & 0x1ff) * 8;
      if ((memory.load<u64>(at) & kPresent) == 0) {
        memory.store<u64>(at, next_table_ | 0x27);
        next_table_ += kPageSize;
      }
      table = memory.load<u64>(at) & ~u64{0xfff};
    }
    memory.store<u64>(table + (linear >> 12 & 0x1ff) * 8,
                      physical | kPresent | kWritable | kUser | kNoExecute);
  }

  u64 next_table_ = kMoreTables;
  Arena arena_;
  NativeProcessor processor_;
};

TEST_F(Differential, RunsIntegerInstructionsAsTheProcessorDoes) {
  compare(InstructionClass::Integer, 3000);
}

TEST_F(Differential, RunsVectorInstructionsAsTheProcessorDoes) {
  if (__builtin_cpu_supports("avx") == 0) GTEST_SKIP() << "this machine has no AVX";
  compare(InstructionClass::Vector, 3000);
}

}  // namespace
}  // namespace backplane::native
