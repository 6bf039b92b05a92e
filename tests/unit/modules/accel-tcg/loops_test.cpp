// SPDX-License-Identifier: MIT
// LOOP, LOOPE, LOOPNE and JRCXZ on the host processor and translated, and that they are translated.
#include <gtest/gtest.h>

#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using Mode = NativeProcessor::Mode;

constexpr u8 kLoopne = 0xe0, kLoope = 0xe1, kLoop = 0xe2, kJrcxz = 0xe3;
constexpr u8 kOpcodes[] = {kLoopne, kLoope, kLoop, kJrcxz};
constexpr u64 kCounters[] = {0,       1,       2,           0xffff,      0x10000,
                             0x10001, 0x20001, 0x100000000, 0x100000001, 0xffffffff00010000};

// What comes behind the instruction: the first runs only if it does not jump.
const std::vector<u8> kWantsFlags = {0xff, 0xc2,   // inc edx
                                     0x19, 0xc0};  // sbb eax, eax
const std::vector<u8> kWantsNone = {0xff, 0xc2,    // inc edx
                                    0x31, 0xed};   // xor ebp, ebp

class Loops : public ::testing::Test {
 protected:
  static NativeProcessor& shared_processor() {
    static NativeProcessor one;
    return one;
  }
  NativeProcessor& processor = shared_processor();
  TranslatedGuest guest;

  void compare(const std::vector<u8>& code, Mode mode, u64 counter, u64 flags) {
    Registers native{};
    native.gpr[x86::RCX] = counter;
    native.gpr[x86::RSP] = guest.arena.address(Arena::kSize - 64);
    native.rflags = 2 | flags;
    Registers translated = native;
    ASSERT_EQ(processor.run(mode, code, native, false), 0);
    const u64 interpreted = guest.counters().interpreted;
    ASSERT_TRUE(guest.run(code, translated, mode));
    for (unsigned n = 0; n < 16; ++n)
      EXPECT_EQ(translated.gpr[n], native.gpr[n]) << "register " << n;
    EXPECT_EQ(translated.rflags & x86::kArithmeticFlags, native.rflags & x86::kArithmeticFlags);
    EXPECT_EQ(guest.counters().interpreted - interpreted, 1u) << "beside HLT";
  }

  void run(Mode mode) {
    for (const u8 opcode : kOpcodes)
      for (const bool narrow : {false, true})
        for (const auto* behind : {&kWantsFlags, &kWantsNone})
          for (const u64 counter : kCounters)
            for (const u64 flags : {u64{0}, u64{x86::kZF}, u64{x86::kCF}, x86::kZF | x86::kCF}) {
              SCOPED_TRACE(fmt::format("{:02x}, {}, counter {:x}, flags {:x}, {}", opcode,
                                       narrow ? "narrow" : "wide", counter, flags,
                                       behind == &kWantsFlags ? "which are wanted" : ""));
              std::vector<u8> code;
              if (narrow) code.push_back(0x67);
              code.insert(code.end(), {opcode, 2});
              code.insert(code.end(), behind->begin(), behind->end());
              compare(code, mode, counter, flags);
              if (HasFailure()) return;
            }
  }
};

TEST_F(Loops, Of64BitCodeDoWhatTheHostDoes) { run(Mode::Long); }
TEST_F(Loops, Of32BitCodeDoWhatTheHostDoes) { run(Mode::Compatibility); }

// As multiple-precision arithmetic does.
TEST_F(Loops, CarryFlagsFromOneTurnToTheNext) {
  for (const u8 opcode : {kLoop, kLoope, kLoopne})
    for (const u64 counter : {1, 2, 100}) {
      SCOPED_TRACE(fmt::format("{:02x}, {} times", opcode, counter));
      // again: adc eax, 0x12345678; loop again
      compare({0x15, 0x78, 0x56, 0x34, 0x12, opcode, 0xf9}, Mode::Long, counter, x86::kCF);
      // again: jrcxz behind; adc eax, 0x12345678; lea rcx, [rcx - 1]; jmp again
      compare({0xe3, 0x0b, 0x15, 0x78, 0x56, 0x34, 0x12, 0x48, 0x8d, 0x49, 0xff, 0xeb, 0xf3},
              Mode::Long, counter, x86::kCF);
    }
}

}  // namespace
}  // namespace backplane::tcg::testing
