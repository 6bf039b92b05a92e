// SPDX-License-Identifier: MIT
// An instruction's fields but for its operands' registers, as Assembler::encode() takes them.
#pragma once

#include "backplane/types.h"

namespace backplane::tcg {

struct Encoding {
  u8 map = 0;  // 0 one byte, 1 0F, 2 0F38, 3 0F3A
  u8 opcode = 0;
  bool operand_size_prefix = false;
  u8 repeat_prefix = 0;  // F2 or F3
  bool lock = false;     // if the operand is in memory
  bool w = false;        // of REX or VEX
  bool vex = false;
  u8 vex_l = 0, vex_pp = 0;
  bool has_modrm = false;
  u8 immediate_size = 0;
  i64 immediate = 0;
};

}  // namespace backplane::tcg
