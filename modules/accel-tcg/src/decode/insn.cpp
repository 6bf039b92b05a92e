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

namespace {

// Of instructions that have no row: those that are known to use general registers only, by opcode.
bool general_opcode(const Insn& i) {
  if (i.vex) return false;
  if (i.map == 0) return i.opcode != 0x62 && i.opcode != 0x9b && (i.opcode & 0xf8) != 0xd8;
  if (i.map != 1) return false;
  switch (i.opcode >> 4) {
    case 0x0:  // system instructions; 0E and 0F are FEMMS and 3DNow!
      // 01 has XGETBV beside what has operands in memory, and that tells what of the vector state
      // is in use.
      return i.opcode == 0x01 ? i.memory : i.opcode < 0x0d;
    case 0x2:  // control and debug registers
      return i.opcode < 0x24;
    case 0x3:  // MSRs, counters, SYSENTER
      return i.opcode < 0x36;
    case 0x4:  // CMOVcc
    case 0x8:  // Jcc
    case 0x9:  // SETcc
    case 0xb:
      return true;
    case 0xa:  // AE has FXSAVE and its kin
      return i.opcode != 0xa6 && i.opcode != 0xa7 && i.opcode != 0xae;
    case 0xc:  // XADD, BSWAP; C7 has XSAVES and its kin
      return i.opcode < 0xc2 || i.opcode > 0xc7;
    default:
      return false;
  }
}

}  // namespace

bool uses_general_registers_only(const Insn& i) {
  switch (i.row.op) {
    case Op::Interpret:
      return general_opcode(i);
    case Op::SaveState:
    case Op::SaveStateOptimized:
    case Op::SaveStateCompact:
    case Op::RestoreState:
    case Op::ZeroVectors:
      return false;
    default:
      return i.row.unit == Unit::None;
  }
}

}  // namespace backplane::tcg
