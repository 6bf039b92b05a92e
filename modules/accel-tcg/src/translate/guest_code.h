// SPDX-License-Identifier: MIT
// The guest instructions of one block-to-be, decoded, with the liveness of their flags.
#pragma once

#include <vector>

#include "cache/block.h"
#include "cache/stop_offsets.h"
#include "decode/features.h"
#include "decode/insn.h"

namespace backplane::tcg {

// Guest bytes from one page on: [first, first + first_size), then (if the block may run past the
// page end by one instruction) the next page's.
struct GuestBytes {
  const u8* page = nullptr;       // host address of the page
  const u8* next_page = nullptr;  // of the following linear page, or null
};

struct ScannedInsn {
  Insn insn;
  // Flags that an instruction behind it reads, or that an exception's frame, or an interrupt's, may
  // show before they are written. Before: those as they were when the instruction began.
  u8 flags_live_before = kFlagsAll;
  u8 flags_live_after = kFlagsAll;
  // Those that an instruction reads.
  u8 flags_read_after = kFlagsAll;
  // The last instruction that needs some of the flags that were there before this one, or the
  // number of instructions if what follows the block does.
  u16 flags_needed_until = 0;
};

struct ScanLimits {
  unsigned instructions = 48;
  unsigned side_exits = 4;
  // Flags that what follows a block overwrites need not be good where one block ends and the next
  // begins. (TcgVcpu::settle_flags)
  bool look_ahead = true;
  // Before whose instructions a block ends; null if no debugger wants to stop anywhere.
  const StopOffsets* stops = nullptr;
};

// Decodes from `offset` of the page until something ends the block. Never empty unless not even
// one instruction could be read. What is not among the features is left to the interpreter.
class GuestCode {
 public:
  void scan(const GuestBytes& bytes, unsigned offset, Mode mode, ScanLimits limits,
            FeatureMask features);

  const std::vector<ScannedInsn>& insns() const { return insns_; }
  unsigned offset() const { return offset_; }
  // Offset behind the last instruction; above kPageSize if it straddles the page end.
  unsigned end() const { return end_; }

  // Flags that the code at `target` (an offset in the same page, or outside: unknown) may read, or
  // an exception show, before it writes them.
  u8 flags_wanted_at(i64 target) const;
  // The same without scanning. How many instructions are looked at, at most: kLookAhead.
  u8 flags_wanted_at(const GuestBytes& bytes, unsigned offset, Mode mode, FeatureMask features);
  static constexpr unsigned kLookAhead = 8;

 private:
  bool decode_at(unsigned offset, Insn& insn) const;
  void compute_liveness();

  GuestBytes bytes_;
  Mode mode_;
  FeatureMask features_;
  bool look_ahead_ = true;
  unsigned offset_ = 0;
  unsigned end_ = 0;
  std::vector<ScannedInsn> insns_;
};

}  // namespace backplane::tcg
