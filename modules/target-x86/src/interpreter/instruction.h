// SPDX-License-Identifier: MIT
// A decoded instruction in the form that the handlers execute, and the decoder that makes it.
#pragma once

#include "backplane/x86/cpu.h"

namespace backplane::x86::interpreter {

class Execution;
struct NativeRoutine;
struct Instruction;

// Executes one instruction. Throws GuestException before anything has changed.
using Handler = void (*)(Execution&, const Instruction&);

constexpr u8 kNoRegister = 0xff;

enum class OperandKind : u8 {
  None,
  Register,    // general: `reg` is the number, `shift` is 8 for AH, CH, DH and BH
  Memory,      // Instruction::memory
  Immediate,   // Instruction::immediate
  FarPointer,  // offset in Instruction::immediate, selector in Instruction::immediate2
  Segment,     // `reg` is a SegReg
  Control,     // `reg` is the number of CRn
  Debug,       // `reg` is the number of DRn
  Other,       // x87, MMX, SSE, AVX: the native part looks at these itself
};

struct Operand {
  OperandKind kind;
  u8 reg;
  u8 shift;
  u16 size;  // bytes
};

struct MemoryOperand {
  SegReg segment;
  u8 base;           // or kNoRegister
  u8 index;          // or kNoRegister
  u8 scale;          // the index is shifted left by this
  u8 address_size;   // bytes
  u64 displacement;  // a RIP-relative address is already absolute
};

// Trivial, so that a large cache of these costs nothing before it is used.
struct Instruction {
  u64 rip;
  Handler handler;
  u8 bytes[15];
  u8 length;
  u8 mode;          // of decoding; 0 in an entry that holds nothing
  u8 argument;      // what distinguishes instructions that share a handler: a condition, a size
  u8 operand_size;  // bytes
  u8 address_size;  // bytes
  u8 vector_size;   // of a VEX-encoded one, bytes
  bool lock;
  bool rep;    // F3
  bool repne;  // F2
  bool far;
  u8 operand_count;  // visible ones
  u16 counter;       // in ExecutionCounts
  Operand operand[4];
  MemoryOperand memory;
  u64 immediate;   // sign- or zero-extended as the instruction says
  u64 immediate2;  // the second one: ENTER's level, a far pointer's selector
  NativeRoutine* native;
};

// How code is decoded: the default sizes and whether the processor is in real or protected mode.
enum DecodeMode : u8 {
  kModeReal16 = 1,
  kModeProtected16,
  kModeProtected32,
  kModeCompat16,
  kModeCompat32,
  kModeLong64,
  kDecodeModes
};

enum class DecodeStatus { Ok, Truncated, TooLong, Invalid };

class NativeRoutines;

class Decoder {
 public:
  // Prefixes that turn one instruction into another (LZCNT, TZCNT) are recognised as the CPU
  // offers the feature, forms that only one vendor has as it is his. The native routines of vector
  // instructions are made through `natives`.
  Decoder(const X86Cpu& cpu, NativeRoutines& natives);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Decodes the first of `size` bytes (15 at most) that are at `rip`.
  DecodeStatus decode(DecodeMode mode, u64 rip, const u8* bytes, unsigned size,
                      Instruction& instruction);

 private:
  struct Impl;
  const X86Cpu::Features& features_;
  const Vendor vendor_;
  NativeRoutines& natives_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backplane::x86::interpreter
