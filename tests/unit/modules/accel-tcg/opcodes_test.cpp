// SPDX-License-Identifier: MIT
// The table of what is translated, against another decoder.
#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "decode/insn.h"
#include "every_form.h"

namespace backplane::tcg::testing {
namespace {

struct Named {
  std::string_view map, mnemonics;
};
constexpr Named kRows[] = {
#define FORM(map, prefixes, opcodes, when, mnemonic, ...) {#map " " #opcodes " " #when, mnemonic},
#include "decode/opcodes.inc"
#undef FORM
};

bool names(std::string_view mnemonics, std::string_view name) {
  for (;;) {
    const std::size_t end = mnemonics.find('/');
    if (mnemonics.substr(0, end) == name) return true;
    if (end == std::string_view::npos) return false;
    mnemonics.remove_prefix(end + 1);
  }
}

TEST(Opcodes, AreNamedAsZydisNamesThemAndEachIsSomeEncodings) {
  ZydisDecoder long_mode, compatibility;
  ZydisDecoderInit(&long_mode, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  ZydisDecoderInit(&compatibility, ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
  for (ZydisDecoder* decoder : {&long_mode, &compatibility})
    for (const ZydisDecoderMode mode :
         {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_CLDEMOTE})
      ZydisDecoderEnableMode(decoder, mode, ZYAN_FALSE);
  std::vector<bool> seen(std::size(kRows));
  const auto compare = [&](const std::vector<u8>& bytes, unsigned code_bits) {
    Insn insn;
    ZydisDecodedInstruction z;
    if (!decode(bytes.data(), 15, code_bits, insn) || insn.row.op == Op::Interpret ||
        !ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(code_bits == 64 ? &long_mode : &compatibility,
                                                    nullptr, bytes.data(), 15, &z)))
      return;
    ASSERT_LT(insn.form, std::size(kRows));
    seen[insn.form] = true;
    const Named& row = kRows[insn.form];
    const std::string_view name = ZydisMnemonicGetString(z.mnemonic);
    EXPECT_TRUE(names(row.mnemonics, name)) << row.map << ": " << row.mnemonics << ", not " << name;
    // How far such a jump reaches depends on the processor's vendor; none is translated.
    const bool jump = insn.row.op == Op::Call || insn.row.op == Op::Jmp || insn.row.op == Op::Jcc;
    if (!jump || insn.default_operand_size) {
      EXPECT_EQ(insn.length, z.length) << row.map << ": " << row.mnemonics;
    }
  };
  for_each_form([&](std::vector<u8> bytes) {
    bytes.resize(15, 0);
    compare(bytes, 64);
    compare(bytes, 32);
  });
  for (std::size_t n = 0; n < seen.size(); ++n)
    EXPECT_TRUE(seen[n]) << kRows[n].map << ": no encoding is " << kRows[n].mnemonics;
}

TEST(Opcodes, OfInstructionsThatLookAtVectorStateAreNotOfGeneralRegistersOnly) {
  const auto is_general = [](std::vector<u8> bytes) {
    bytes.resize(15, 0);
    Insn insn;
    decode(bytes.data(), 15, 64, insn);
    return uses_general_registers_only(insn);
  };
  EXPECT_TRUE(is_general({0x90}));               // nop
  EXPECT_TRUE(is_general({0x0f, 0x22, 0xc0}));   // mov cr0, rax
  EXPECT_FALSE(is_general({0x0f, 0x01, 0xd0}));  // xgetbv
  EXPECT_FALSE(is_general({0x0f, 0xae, 0x00}));  // fxsave
  EXPECT_FALSE(is_general({0x0f, 0xc7, 0x28}));  // xsaves
  EXPECT_FALSE(is_general({0x0f, 0x77}));        // emms
  EXPECT_FALSE(is_general({0x9b}));              // fwait
  EXPECT_FALSE(is_general({0xd9, 0xe8}));        // fld1
}

}  // namespace
}  // namespace backplane::tcg::testing
