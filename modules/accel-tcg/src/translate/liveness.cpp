// SPDX-License-Identifier: MIT
// Which flags are needed where. [docs/translator.md "Flags"]
#include <algorithm>

#include "backplane/memory.h"
#include "translate/guest_code.h"
#include "translate/insn_properties.h"

namespace backplane::tcg {

void GuestCode::compute_liveness() {
  if (insns_.empty()) return;
  u8 live = kFlagsAll;
  const Insn& last = insns_.back().insn;
  if (last.row.op == Op::Jmp || last.row.op == Op::Call)
    live = flags_wanted_at(static_cast<i64>(last.offset) + last.length + last.immediate);
  else if (last.row.op == Op::Popf || last.row.op == Op::Stac || last.row.op == Op::Clac)
    live = flags_wanted_at(end_);
  else if (!ends_block(last) && last.row.op != Op::Interpret)
    live = flags_wanted_at(end_);
  u8 read = 0;  // what follows the block finds them in memory
  // Of each flag, who needs it last; flags that nobody needs are not in `live`.
  u16 until[8];
  std::fill(std::begin(until), std::end(until), static_cast<u16>(insns_.size()));
  for (std::size_t n = insns_.size(); n-- != 0;) {
    ScannedInsn& s = insns_[n];
    const Row& row = s.insn.row;
    const auto need_here = [&](u8 flags) {
      for (unsigned bit = 0; bit < 8; ++bit)
        if ((flags >> bit & 1) != 0 && (live >> bit & 1) == 0) until[bit] = static_cast<u16>(n);
      live |= flags;
    };
    if (may_jump(s.insn))
      need_here(
          flags_wanted_at(static_cast<i64>(s.insn.offset) + s.insn.length + s.insn.immediate));
    if (row.op == Op::Interpret) need_here(kFlagsAll);
    s.flags_live_after = live;
    s.flags_read_after = read;
    live = static_cast<u8>(live & ~row.flags_killed);
    need_here(may_show_flags(s.insn) ? kFlagsAll : row.flags_read);
    read = static_cast<u8>((read & ~row.flags_killed) | row.flags_read);
    s.flags_live_before = live;
    s.flags_needed_until = 0;
    for (unsigned bit = 0; bit < 8; ++bit)
      if ((live >> bit & 1) != 0) s.flags_needed_until = std::max(s.flags_needed_until, until[bit]);
  }
}

u8 GuestCode::flags_wanted_at(const GuestBytes& bytes, unsigned offset, Mode mode,
                              FeatureMask features) {
  bytes_ = bytes;
  mode_ = mode;
  features_ = features;
  look_ahead_ = true;
  return flags_wanted_at(offset);
}

u8 GuestCode::flags_wanted_at(i64 target) const {
  if (target < 0 || target >= static_cast<i64>(kPageSize) || !look_ahead_) return kFlagsAll;
  u8 wanted = 0;
  u8 killed = 0;
  unsigned at = static_cast<unsigned>(target);
  for (unsigned n = 0; n < kLookAhead; ++n) {
    Insn i;
    if (at >= kPageSize || !decode_at(at, i) || may_show_flags(i)) break;
    wanted |= i.row.flags_read & ~killed;
    killed |= i.row.flags_killed;
    if ((killed | wanted) == kFlagsAll) return wanted;
    if (ends_block(i)) {
      if (i.row.op != Op::Jmp) break;
      const i64 next = static_cast<i64>(at) + i.length + i.immediate;
      if (next < 0 || next >= static_cast<i64>(kPageSize)) break;
      at = static_cast<unsigned>(next);
      continue;
    }
    if (may_jump(i)) break;
    at += i.length;
  }
  return wanted | static_cast<u8>(kFlagsAll & ~killed);
}

}  // namespace backplane::tcg
