// SPDX-License-Identifier: MIT
// What the function of an instruction is given. Its words:
//   use      where a guest register is now
//   scratch  a register of the host's that may be changed
//   define   what a guest register is from now on
//   hold     a register whose value must outlast the check of an operand
//   defer    code that runs rarely
// The flags, operands in memory and the ways out have parts of their own.
#pragma once

#include "translate/operands.h"

namespace backplane::tcg {

class Emitter {
 public:
  Emitter(CodeCache& cache, const Stubs& stubs, const TranslatorOptions& options)
      : a(cache.assembler()), block(cache, stubs, options) {}

  // At a block's entry, and behind an instruction.
  void begin_block();
  void end_of_insn(const Insn& insn);

  // The host's register that holds a guest register: T1 if it lives in the state.
  u8 use(unsigned guest);
  // Its value in a register that may be changed.
  void use_in(u8 reg, unsigned guest);
  // T0, T1 or T2: what it was known to hold is forgotten.
  u8 scratch(u8 reg);
  // Where a guest register's next value can be computed: its own register, or T1.
  static u8 target(unsigned guest);
  // `reg` is the guest register from now on; or only its low `size` bytes.
  void define(unsigned guest, u8 reg);
  void define_low(unsigned guest, u8 reg, unsigned size);
  // T2, until what is returned goes out of scope; other registers need not be held.
  [[nodiscard]] Operands::Hold hold(u8 reg) { return Operands::Hold(operands, reg == kT2); }
  template <class Emit>
  void defer(const Emit& emit) {
    block.defer(emit);
  }

  Mode mode() const { return block.mode; }

  Assembler& a;
  Translation block;
  // Where the first instruction's code begins, behind what the block does at its entry.
  u32 behind_entry = 0;
  // The x87's pointers were told of the block's page.
  bool x87_page_noted = false;

 private:
  HostPointers pointers_;

 public:
  Flags flags{block};
  Exits exits{block, flags, pointers_};
  Operands operands{block, flags, exits, pointers_};
};

}  // namespace backplane::tcg
