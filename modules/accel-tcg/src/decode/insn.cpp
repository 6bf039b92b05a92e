// SPDX-License-Identifier: MIT
#include "decode/insn.h"

namespace backplane::tcg {

unsigned Insn::memory_size() const {
  const unsigned vector = vex_l != 0 ? 32 : 16;
  switch (row.mem) {
    case MemSize::None:
      return 0;
    case MemSize::Byte:
      return 1;
    case MemSize::Word:
      return 2;
    case MemSize::Dword:
      return 4;
    case MemSize::Qword:
      return 8;
    case MemSize::Tbyte:
      return 10;
    case MemSize::Xmm:
      return 16;
    case MemSize::Ymm:
      return 32;
    case MemSize::Osize:
      return operand_size();
    case MemSize::Stack:
      return stack_operand_size();
    case MemSize::OsizeHigh:
      return w ? 8 : 4;
    case MemSize::Vector:
      return vector;
    case MemSize::HalfVector:
      return vector / 2;
    case MemSize::QuarterVector:
      return vector / 4;
    case MemSize::EighthVector:
      return vector / 8;
    case MemSize::Double:
      return w ? 16 : 8;
  }
  return 0;
}

}  // namespace backplane::tcg
