// SPDX-License-Identifier: MIT
// Random instructions of user code whose memory operands lie in an arena, and whose results are
// defined.
#pragma once

#include <Zydis/Zydis.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "arena.h"
#include "native_processor.h"

namespace backplane::x86::testing {

struct RandomInstruction {
  std::vector<u8> bytes;
  ZydisDecodedInstruction decoded;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  Registers registers;       // chosen so that it can run
  u64 defined_flags = 0;     // that it leaves in RFLAGS
  std::string text() const;  // for messages
};

enum class InstructionClass { Integer, Vector };

class InstructionGenerator {
 public:
  InstructionGenerator(Arena& arena, u64 seed) : arena_(arena), random_(seed) {
    set_mode(NativeProcessor::Mode::Long);
  }
  void set_mode(NativeProcessor::Mode mode) {
    long_mode_ = mode == NativeProcessor::Mode::Long;
    if (long_mode_)
      ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    else
      ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
  }

  // Tries random bytes until they make an instruction of the class.
  RandomInstruction next(InstructionClass wanted);
  void fill_arena();
  u64 number() { return random_(); }

 private:
  std::vector<u8> candidate(InstructionClass wanted);
  bool place_operands(RandomInstruction& i);
  u64 interesting_number();
  void fill_vectors(Registers& r);

  Arena& arena_;
  std::mt19937_64 random_;
  ZydisDecoder decoder_;
  bool long_mode_ = true;
};

}  // namespace backplane::x86::testing
