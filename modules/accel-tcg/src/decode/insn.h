// SPDX-License-Identifier: MIT
// A decoded guest instruction: its fields as encoded, and the row of opcodes.inc that says how it
// may be translated. An instruction without a row is left to the reference interpreter.
#pragma once

#include "backplane/types.h"
#include "decode/feature.h"

namespace backplane::tcg {

// How an instruction is translated.
enum class Op : u8 {
  Interpret,  // not in opcodes.inc: executed by the reference interpreter, ends the block
  Native,     // re-encoded with host registers and a checked memory operand
  X87,        // so, and the x87's pointers are noted
  LoadMxcsr,  // so, but for operands that only the guest's processor can judge
  Sha,        // so too
  Nop,
  Prefetch,  // PREFETCHNTA to PREFETCHT2, PREFETCH, PREFETCHW
  Lea,
  BitString,  // BT, BTS, BTR, BTC with a register bit offset
  MovImm,     // MOV r, imm (B8+r)
  Bswap,
  XchgAcc,  // XCHG rAX, r (90+r)
  Push,     // PUSH r
  PushImm,
  PushMem,  // FF /6
  Pop,      // POP r
  PopMem,   // 8F /0
  PushSelector,
  PopSelector,
  Leave,
  Jcc,
  Jmp,
  JmpIndirect,
  JmpFar,  // by a pointer in the instruction
  Call,
  CallIndirect,
  Ret,
  Loop,          // LOOP, LOOPE, LOOPNE, JRCXZ
  String,        // MOVS, STOS, LODS, SCAS, CMPS
  RepeatString,  // the same with REP, REPE or REPNE
  Cld,
  Std,
  Cli,
  Sti,
  Pushf,
  Popf,
  Stac,
  Clac,
  Rdtsc,
  Rdtscp,
  ReadControl,   // MOV r, CR0, CR2, CR3 or CR4
  ReadSelector,  // MOV r/m, Sreg
  ReadBase,      // RDFSBASE, RDGSBASE
  WriteBase,     // WRFSBASE, WRGSBASE
  Swapgs,
  Syscall,
  Sysret,  // to 64-bit code
  Iret,    // IRETQ
  WriteCr0,
  WriteCr3,
  InvalidatePage,  // INVLPG
  SaveState,       // XSAVE
  SaveStateOptimized,
  SaveStateCompact,
  RestoreState,  // XRSTOR
  LoadTable,     // LGDT, LIDT
  LoadSegment,   // MOV to DS, ES, FS or GS, and outside of 64-bit code to SS
  Cpuid,
  ZeroVectors,  // VZEROUPPER and VZEROALL of code that has eight vector registers
};

// True of those that are re-encoded, whatever else is emitted before or behind them.
constexpr bool runs_as_itself(Op op) {
  return op == Op::Native || op == Op::X87 || op == Op::LoadMxcsr || op == Op::Sha;
}

// Size in bytes of the memory operand.
enum class MemSize : u8 {
  None,
  Byte,
  Word,
  Dword,
  Qword,
  Tbyte,
  Xmm,
  Ymm,
  Osize,      // by operand size: 2, 4, 8
  Stack,      // what the stack moves
  OsizeHigh,  // 4 or 8 (movd/movq, cvtsi2sd: by W)
  Vector,     // 16, or 32 with VEX.L
  HalfVector,
  QuarterVector,
  EighthVector,  // of Vector
  Double,        // 2 * operand size (cmpxchg8b/16b)
};

enum OperandFlag : u16 {
  kRegRead = 1,
  kRegWrite = 2,  // ModRM.reg is a general register
  kRmRead = 4,
  kRmWrite = 8,  // ModRM.rm is a general register if mod = 3
  kMemRead = 16,
  kMemWrite = 32,  // ModRM.rm is memory if mod != 3
  kVvvvRead = 64,
  kVvvvWrite = 128,    // VEX.vvvv is a general register
  kByteOperand = 256,  // general registers are 8 bits wide (both)
  kRmNarrow = 512,     // rm is narrower than reg (MOVZX: 8 or 16 bits, by the opcode)
  kRegPartial = 1024,  // the destination keeps its old value in part or at times
  kLockable = 2048,    // LOCK may stand before it, with a destination in memory
  kCounted = 4096,     // writes no flags if the immediate says to shift by 0
  // With the operand in memory it is not the same: it locks the bus, or reads more.
  kOtherInMemory = 8192,
};

enum class Unit : u8 { None, X87, Mmx, Sse, Avx };

enum class Imm : u8 { None, Byte, Word, Z /*2 or 4*/, V /*2, 4 or 8*/, Far /*Z and a selector*/ };

// Flag masks, in RFLAGS positions of the low byte; OF moved to bit 1.
constexpr u8 kFlagC = 1, kFlagO = 2, kFlagP = 4, kFlagA = 16, kFlagZ = 64, kFlagS = 128;
constexpr u8 kFlagsAll = kFlagC | kFlagO | kFlagP | kFlagA | kFlagZ | kFlagS;

struct Row {
  Op op = Op::Interpret;
  u16 operands = 0;
  MemSize mem = MemSize::None;
  Imm imm = Imm::None;
  Unit unit = Unit::None;
  u8 flags_read = 0;
  u8 flags_killed = 0;   // written whatever the operands (undefined counts as written)
  u8 flags_touched = 0;  // may be written
  // Without BMI1 and LZCNT, TZCNT and LZCNT are not invalid but BSF and BSR.
  Feature feature = Feature::Base;
  bool has_modrm = false;
};

// What stands in an opcode of 16- and 32-bit code instead of ModRM.
enum class ShortForm : u8 { None, Register, Address };

struct Insn {
  Row row;
  u16 form = 0;  // of opcodes.inc, the row's number, if there is one
  u8 length = 0;
  u8 map = 0;  // 0 one byte, 1 0F, 2 0F38, 3 0F3A
  u8 opcode = 0;
  bool vex = false;
  // 66, as part of the opcode or because general operands have 16 bits; so it is encoded again.
  bool operand_size_prefix = false;
  u8 repeat_prefix = 0;  // F2 or F3
  bool lock = false;
  // Segment register, plus 1, whose base is part of the address; 0 if none. Outside of 64-bit code
  // every memory operand has one, until GuestCode::scan() drops those whose base is known to be 0.
  u8 segment = 0;
  bool segment_prefix = false;
  u8 code_bits = 64;                 // 16, 32 or 64: of the code segment
  u8 address_bits = 64;              // 16, 32 or 64
  bool default_operand_size = true;  // no 66
  bool rex_present = false;
  bool w = false;
  u8 vex_l = 0, vex_pp = 0, vvvv = 0;
  ShortForm short_form = ShortForm::None;
  bool has_modrm = false;
  u8 mod = 0, reg = 0, rm = 0;  // with REX/VEX extension bits
  bool memory = false;
  bool has_base = false, has_index = false, rip_relative = false;
  u8 base = 0, index = 0, scale = 0;
  i32 displacement = 0;
  u8 immediate_size = 0;
  i64 immediate = 0;  // a far pointer's selector from bit 32 on
  u16 offset = 0;     // in its page

  // In bytes.
  unsigned operand_size() const { return w ? 8 : operand_size_prefix ? 2 : 4; }
  // Of what PUSH, CALL and their like move.
  unsigned stack_operand_size() const { return code_bits == 64 ? 8 : operand_size(); }
  // Of PUSH and POP of a segment register: which.
  unsigned stack_selector() const { return (opcode >> 3 & 3u) + (map != 0 ? 4 : 0); }
  bool default_address_size() const { return address_bits == code_bits; }
  unsigned memory_size() const;
  // Of a string instruction: the size of an element, whether it reads at rSI and uses rDI.
  unsigned string_element() const { return (opcode & 1) == 0 ? 1 : operand_size(); }
  bool string_source() const { return opcode < 0xa8 || (opcode & 0xfe) == 0xac; }
  bool string_destination() const { return (opcode & 0xfe) != 0xac; }
};

// What an x87 instruction does to the x87's pointers. [SDM 1 "x87 FPU Instruction and Data
// (Operand) Pointers"]
enum class X87Effect : u8 {
  None,  // control instructions
  Sets,  // to itself and its operand in memory, if any
  Clears,
};
X87Effect x87_effect(const Insn& insn);
// FNINIT, FNCLEX and FLDCW: an exception may no longer be pending, or be one.
bool may_end_x87_exception(const Insn& insn);
// True if it is sure that it uses neither x87 nor vector registers, whoever executes it.
bool uses_general_registers_only(const Insn& insn);
// Low bits of the first opcode byte, then ModRM.
u16 x87_opcode(const Insn& insn);

constexpr unsigned kLongestInsn = 15;  // bytes

// Decodes one instruction of 64-, 32- or 16-bit code from at most `available` bytes. False if the
// bytes do not suffice. Unknown and refused forms have row.op == Op::Interpret (and length 0).
bool decode(const u8* bytes, unsigned available, unsigned code_bits, Insn& insn);

}  // namespace backplane::tcg
