// SPDX-License-Identifier: MIT
// The lengths of instructions are those that a full decoder finds.
#include "instruction_length.h"

#include <Zydis/Zydis.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <random>

namespace backplane::native {
namespace {

// Of a coprocessor that was a product once; where it had these, processors have nothing.
bool is_of_knights_corner(const ZydisDecodedInstruction& insn) {
  return insn.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX &&
         insn.opcode_map != ZYDIS_OPCODE_MAP_0F38 && insn.opcode_map != ZYDIS_OPCODE_MAP_0F3A &&
         (insn.opcode_map != ZYDIS_OPCODE_MAP_0F || insn.opcode >> 4 == 8);
}

class InstructionLength : public ::testing::Test {
 protected:
  InstructionLength() {
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderEnableMode(&decoder_, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
  }
  void check(std::span<const u8> code) {
    ZydisDecodedInstruction insn;
    if (!ZYAN_SUCCESS(
            ZydisDecoderDecodeInstruction(&decoder_, nullptr, code.data(), code.size(), &insn)) ||
        is_of_knights_corner(insn))
      return;
    ++found_;
    ASSERT_EQ(instruction_length(code), insn.length) << fmt::format("{:02x}", fmt::join(code, " "));
  }

  ZydisDecoder decoder_;
  std::mt19937 random_{1};
  unsigned found_ = 0;
};

TEST_F(InstructionLength, IsThatOfADecoder) {
  constexpr u8 kFirst[] = {0x0f, 0x62, 0xc4, 0xc5, 0x66, 0x67, 0xf2, 0xf3, 0x8f, 0x48};
  constexpr unsigned kTimes = 400'000;
  for (unsigned n = 0; n < kTimes && !HasFatalFailure(); ++n) {
    u8 code[20];
    for (u8& byte : code) byte = static_cast<u8>(random_());
    if (n % 2 == 0) code[0] = kFirst[n / 2 % std::size(kFirst)];
    check(code);
    check({code, random_() % 8 + 1});
  }
  EXPECT_GT(found_, kTimes / 2);
}

TEST_F(InstructionLength, IsNoneWhereSomeIsMissing) {
  EXPECT_EQ(instruction_length({}), 0u);
  constexpr u8 kMov[] = {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(instruction_length(kMov), 10u);
  for (std::size_t size = 0; size < std::size(kMov); ++size)
    EXPECT_EQ(instruction_length({kMov, size}), 0u);
}

TEST_F(InstructionLength, IsNoneOfTooManyPrefixes) {
  u8 code[16];
  std::fill(std::begin(code), std::end(code), u8{0x66});
  code[15] = 0x90;
  EXPECT_EQ(instruction_length(code), 0u);
}

}  // namespace
}  // namespace backplane::native
