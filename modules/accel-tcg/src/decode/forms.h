// SPDX-License-Identifier: MIT
// The forms of opcodes.inc, and how one is found. A form that has no row there is never emitted.
// [SDM 2D "Opcode Map"]
#pragma once

#include "decode/insn.h"

namespace backplane::tcg {

// What stands before the opcode.
enum class OpcodeMap : u8 { OneByte, Map0F, Map0F38, Map0F3A, Vex0F, Vex0F38, Vex0F3A };
constexpr unsigned kOpcodeMaps = 7;

// Mandatory prefix of an opcode, as VEX.pp counts them.
enum Prefix : u8 { kNoPrefix = 0, k66 = 1, kF3 = 2, kF2 = 3 };

struct Form {
  OpcodeMap map;
  u8 prefixes;         // a bit for each Prefix it may have
  u8 first, last;      // opcodes
  u32 when;            // of columns::When
  Feature feature256;  // with VEX.L
  Row row;
};

// What the columns of opcodes.inc are made of.
namespace columns {

enum Prefixes : u8 { No = 1, P66 = 2, PF3 = 4, PF2 = 8, Any = 15 };  // Any: none is part of it

struct Opcodes {
  u8 first, last;
  constexpr Opcodes(int only) : Opcodes(only, only) {}
  constexpr Opcodes(int first, int last)
      : first(static_cast<u8>(first)), last(static_cast<u8>(last)) {}
};
constexpr Opcodes To(int first, int last) { return {first, last}; }

// What else an encoding must be. Of those without, the opcode is followed by ModRM.
enum When : u32 {
  ModRm = 0,  // with any
  Mem = 1,    // ModRM names memory
  Reg = 2,    // or a register
  L0 = 4,     // of VEX
  L1 = 8,
  W0 = 16,  // of REX or VEX
  W1 = 32,
  Only64 = 64,  // in 64-bit code
  Not64 = 128,
  Without66 = 256,
  LowReg = 512,  // ModRM.reg is not extended
  kConditions = 1023,
  Plain = 1024,  // there is no ModRM
  kDigitShift = 16,
  kRmBit = 1u << 24,
  kRmShift = 25,
};
// ModRM.reg is one of these.
template <class... Digits>
constexpr u32 Digit(Digits... digits) {
  return ((1u << (kDigitShift + digits)) | ...);
}
// ModRM is this one.
constexpr u32 Byte2(u32 modrm) {
  return Reg | Digit(modrm >> 3 & 7) | kRmBit | (modrm & 7) << kRmShift;
}

// Operands. Ea: the one that ModRM names by its mod and rm, a register or memory.
constexpr u16 None = 0, RegR = kRegRead, RegW = kRegWrite, RegRW = RegR | RegW, RmR = kRmRead,
              RmW = kRmWrite, MemR = kMemRead, MemW = kMemWrite, MemRW = MemR | MemW,
              EaR = RmR | MemR, EaW = RmW | MemW, EaRW = EaR | EaW, VvvvR = kVvvvRead,
              VvvvW = kVvvvWrite, Bytes = kByteOperand, Narrow = kRmNarrow, Partial = kRegPartial,
              Lock = kLockable, Counted = kCounted, Other = kOtherInMemory;

// Flags.
constexpr u8 C = kFlagC, O = kFlagO, P = kFlagP, A = kFlagA, Z = kFlagZ, S = kFlagS,
             All = kFlagsAll, NotC = All & ~C, NotO = All & ~O, NotZ = All & ~Z;

struct Needs {
  Feature feature, feature256;
  constexpr Needs(Feature both) : feature(both), feature256(both) {}
  constexpr Needs(Feature narrow, Feature wide) : feature(narrow), feature256(wide) {}
};
constexpr Needs By256(Feature narrow, Feature wide) { return {narrow, wide}; }

}  // namespace columns

// The forms of an opcode, of which find_form() tells the right one; empty if there is none.
class FormsOfOpcode {
 public:
  FormsOfOpcode(OpcodeMap map, u8 opcode);

  explicit operator bool() const { return first_ != nullptr; }
  // All of them have ModRM, or none has.
  bool have_modrm() const { return first_->row.has_modrm; }
  // Of an instruction whose fields are known up to ModRM; null if none is its.
  const Form* find(const Insn& insn, Prefix prefix) const;

 private:
  OpcodeMap map_;
  u8 opcode_;
  const Form* first_;
};

// Its number in opcodes.inc.
u16 number_of(const Form& form);

}  // namespace backplane::tcg
