// SPDX-License-Identifier: MIT
// The opcode table: the allow-list of instruction forms that may run as themselves. A form that
// has no row here is never emitted. [SDM 2D "Opcode Map"]
#pragma once

#include <array>

#include "decode/insn.h"

namespace backplane::tcg {

// Mandatory prefix of an opcode, as VEX.pp counts them.
enum Prefix : u8 { kNoPrefix = 0, k66 = 1, kF3 = 2, kF2 = 3 };

using OpcodeMap = std::array<std::array<Row, 256>, 4>;  // [prefix][opcode]

// The row of a form before its ModRM.reg group is known.
const Row& legacy_row(unsigned map, unsigned prefix, u8 opcode);
const Row& vex_row(unsigned map, unsigned prefix, u8 opcode);

}  // namespace backplane::tcg
