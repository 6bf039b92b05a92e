// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "backplane/types.h"

namespace backplane::tcg::testing {

// Every encoding of the opcode maps that are translated from, but for registers and displacements.
template <class Visit>
void for_each_form(Visit visit) {
  constexpr u8 kPrefixes[] = {0, 0x66, 0xf3, 0xf2};
  const auto with_operands = [&](std::vector<u8> bytes, bool every_rm) {
    for (unsigned reg = 0; reg < 8; ++reg) {
      bytes.push_back(static_cast<u8>(reg << 3 | 3));  // [rbx]
      visit(bytes);
      for (unsigned rm = 0; rm < (every_rm ? 8u : 1u); ++rm) {
        bytes.back() = static_cast<u8>(0xc0 | reg << 3 | rm);
        visit(bytes);
      }
      bytes.pop_back();
    }
  };
  for (unsigned prefix = 0; prefix < 4; ++prefix)
    for (unsigned w = 0; w < 2; ++w)
      for (unsigned opcode = 0; opcode < 256; ++opcode) {
        for (unsigned map = 0; map < 4; ++map) {
          std::vector<u8> bytes;
          if (prefix != 0) bytes.push_back(kPrefixes[prefix]);
          if (w != 0) bytes.push_back(0x48);
          if (map >= 1) bytes.push_back(0x0f);
          if (map >= 2) bytes.push_back(map == 2 ? 0x38 : 0x3a);
          bytes.push_back(static_cast<u8>(opcode));
          // Of these the last byte has more to say.
          const bool x87 = map == 0 && opcode >= 0xd8 && opcode < 0xe0;
          with_operands(bytes, x87 || (map == 1 && opcode == 0x01));
        }
        for (unsigned map = 1; map < 4; ++map)
          for (unsigned wide = 0; wide < 2; ++wide)
            with_operands(
                {0xc4, static_cast<u8>(0xe0 | map),
                 static_cast<u8>(w << 7 | 0x78 | wide << 2 | prefix), static_cast<u8>(opcode)},
                false);
      }
}

}  // namespace backplane::tcg::testing
