// SPDX-License-Identifier: MIT
#include "translate/guest_code.h"

#include <algorithm>
#include <cstring>

#include "backplane/memory.h"
#include "translate/insn_properties.h"

namespace backplane::tcg {

bool GuestCode::decode_at(unsigned offset, Insn& insn) const {
  const unsigned in_page = static_cast<unsigned>(kPageSize) - offset;
  if (in_page >= kLongestInsn) {
    if (!decode(bytes_.page + offset, kLongestInsn, mode_.code_bits(), insn)) return false;
  } else {
    u8 joined[kLongestInsn];
    std::memcpy(joined, bytes_.page + offset, in_page);
    unsigned available = in_page;
    if (bytes_.next_page != nullptr) {
      std::memcpy(joined + in_page, bytes_.next_page, kLongestInsn - in_page);
      available = kLongestInsn;
    }
    if (!decode(joined, available, mode_.code_bits(), insn)) return false;
  }
  if (!features_.has(insn.row.feature)) insn.row = Row{};
  insn.offset = static_cast<u16>(offset);
  return true;
}

void GuestCode::scan(const GuestBytes& bytes, unsigned offset, Mode mode, ScanLimits limits,
                     FeatureMask features) {
  bytes_ = bytes;
  mode_ = mode;
  features_ = features;
  look_ahead_ = limits.look_ahead;
  offset_ = offset;
  end_ = offset;
  insns_.clear();
  unsigned side_exits = 0;
  while (insns_.size() < limits.instructions && end_ < kPageSize) {
    ScannedInsn s;
    if (limits.stops != nullptr && !insns_.empty() && limits.stops->begins_block(end_)) {
      // No interrupt is taken between it and the next one.
      if (insns_.back().insn.row.op == Op::Sti) insns_.back().insn.row.op = Op::Interpret;
      break;
    }
    if (!decode_at(end_, s.insn)) break;
    if (!resolve_segment(s.insn, mode) || !translatable(s.insn, mode)) {
      s.insn.row.op = Op::Interpret;
      s.insn.length = std::max<u8>(s.insn.length, 1);
      insns_.push_back(s);
      end_ += s.insn.length;
      break;
    }
    // The instruction after STI must run before an interrupt is taken, so in the same block.
    if (s.insn.row.op == Op::Sti && (insns_.size() + 1 >= limits.instructions ||
                                     end_ + s.insn.length + kLongestInsn > kPageSize))
      s.insn.row.op = Op::Interpret;
    // A repetition has a block of its own, whose entry it goes back to.
    if (s.insn.row.op == Op::RepeatString && !insns_.empty()) {
      // Interrupts are taken there.
      if (insns_.back().insn.row.op == Op::Sti) insns_.back().insn.row.op = Op::Interpret;
      break;
    }
    // An instruction that straddles the page end has a block of its own.
    if (end_ + s.insn.length > kPageSize && !insns_.empty()) break;
    end_ += s.insn.length;
    insns_.push_back(s);
    if (ends_block(s.insn) || s.insn.row.op == Op::Interpret) break;
    if (may_jump(s.insn) && ++side_exits == limits.side_exits) break;
  }
  compute_liveness();
}

}  // namespace backplane::tcg
