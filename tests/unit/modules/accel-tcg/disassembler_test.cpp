// SPDX-License-Identifier: MIT
#include "trace/disassembler.h"

#include <gtest/gtest.h>

#include <vector>

namespace backplane::tcg {
namespace {

TEST(Disassembler, ReadsCodeOfEachWidth) {
  const std::vector<u8> code{0xb8, 0x34, 0x12, 0x00, 0x00};
  EXPECT_EQ(disassemble(code, 0, 64).text, "mov eax, 0x1234");
  EXPECT_EQ(disassemble(code, 0, 32).length, 5u);
  EXPECT_EQ(disassemble(code, 0, 16).text, "mov ax, 0x1234");
  EXPECT_EQ(disassemble(code, 0, 16).length, 3u);
}

TEST(Disassembler, ShowsWhereAJumpLeads) {
  EXPECT_EQ(disassemble(std::vector<u8>{0xeb, 0x10}, 0x1000, 64).text, "jmp 0x0000000000001012");
}

TEST(Disassembler, GoesOnBehindWhatIsNoInstruction) {
  EXPECT_EQ(disassemble(std::vector<u8>{0x0f}, 0, 64).text, "(bad)");
  EXPECT_EQ(listing(std::vector<u8>{0x06, 0x90, 0xc3}, 0x2000, 64),
            "  0000000000002000  06                              (bad)\n"
            "  0000000000002001  90                              nop\n"
            "  0000000000002002  c3                              ret\n");
}

TEST(Disassembler, ALineIsOfOneInstruction) {
  EXPECT_EQ(line_of(std::vector<u8>{0x90, 0xc3}, 0x10, 64),
            "  0000000000000010  90                              nop\n");
}

}  // namespace
}  // namespace backplane::tcg
