// SPDX-License-Identifier: MIT
// Vector and floating-point instructions as the host processor executes them: each becomes a
// small routine that loads the guest's registers, executes the instruction with its memory and
// general-register operands replaced, and stores the guest's registers.
#pragma once

#include <Zydis/Zydis.h>

#include <string>
#include <unordered_map>

#include "../instruction.h"
#include "code_memory.h"

namespace backplane::x86::interpreter {

// What a routine takes and gives beside the FPU image and memory. Offsets are known to the code.
struct NativeFrame {
  u64 rax = 0, rcx = 0, rdx = 0;
  u64 flags = 0;
  u32 mxcsr = 0;
  u32 host_mxcsr = 0;
  u16 host_fcw = 0;
};

// The routine of one instruction, and what surrounds its execution.
struct NativeRoutine {
  enum class Kind : u8 { X87, Mmx, Sse, Avx };

  Kind kind = Kind::Sse;
  bool needs_osfxsr = false;  // an MMX instruction that SSE brought
  bool reads_memory = false;
  bool writes_memory = false;
  bool sets_x87_pointers = false;
  bool uses_mxcsr = false;            // rounds, or raises SIMD exceptions
  u8 alignment = 1;                   // that the memory operand must have, bytes
  u16 memory_size = 0;                // bytes; 0: no memory operand
  u8 general_register = kNoRegister;  // stands in the frame's rax
  u8 general_size = 0;
  bool writes_general = false;
  bool string_lengths = false;  // PCMPESTRx: lengths in rAX and rDX
  bool writes_index = false;    // PCMPxSTRI: result in ECX
  u8 half_count = 0;            // VCVTPS2PH: numbers that it makes, in memory or in a register
  u8 half_register = 0;
  u16 x87_opcode = 0;
  bool reads_flags = false;
  bool writes_flags = false;

  // The routines are written for this convention, whatever the host's own is.
  using Entry = void(__attribute__((sysv_abi)) *)(u8* image, u8* memory, u64, u64,
                                                  NativeFrame* frame);
  Entry entry = nullptr;
};

// Whether the instruction is of the kind that is executed by a routine.
bool is_native(const ZydisDecodedInstruction& instruction);

// All routines of one interpreter, by instruction.
class NativeRoutines {
 public:
  NativeRoutines();

  // The routine of a decoded instruction, `operands` being all of its operands, for a processor of
  // that vendor.
  NativeRoutine* get(bool long_mode, Vendor vendor, const ZydisDecodedInstruction& z,
                     const ZydisDecodedOperand* operands, const u8* bytes);
  // True if a further one may not fit: clear() before decoding goes on.
  bool full() const { return code_.room() < kLargestRoutine; }
  // Forgets all routines. No decoded instruction may refer to one any more.
  void clear();

 private:
  static constexpr std::size_t kLargestRoutine = 512;
  CodeMemory code_;
  std::unordered_map<std::string, std::unique_ptr<NativeRoutine>> routines_;
};

// Executes an instruction that has a routine.
void execute_native(Execution& x, const Instruction& i);

}  // namespace backplane::x86::interpreter
