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
  // Segments of 16-bit code begin where the arena does, elsewhere at 0.
  void set_mode(NativeProcessor::Mode mode);

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
  // The arena's middle as an offset in its segment.
  u64 middle() const { return arena_.middle() - segment_base_; }

  u64 segment_base_ = 0;
  bool long_mode_ = true;
};

}  // namespace backplane::x86::testing
