// SPDX-License-Identifier: MIT
#include "translate/guest_code.h"

#include <algorithm>
#include <cstring>

#include "backplane/memory.h"
#include "backplane/x86/state.h"

namespace backplane::tcg {
namespace {

bool high_byte(const Insn& i, u8 number) { return !i.rex_present && number >= 4 && number < 8; }

// AH, CH, DH, BH cannot be encoded beside registers that need REX.
bool awkward_high_byte(const Insn& i) {
  const bool reg_is_byte =
      (i.row.operands & kByteOperand) != 0 && (i.row.operands & (kRegRead | kRegWrite)) != 0;
  const bool rm_is_byte = !i.memory && (i.row.operands & (kRmRead | kRmWrite)) != 0 &&
                          ((i.row.operands & kByteOperand) != 0 ||
                           ((i.row.operands & kRmNarrow) != 0 && i.row.mem == MemSize::Byte));
  const bool reg_high = reg_is_byte && high_byte(i, i.reg);
  const bool rm_high = rm_is_byte && high_byte(i, i.rm);
  if (!reg_high && !rm_high) return false;
  // CMPXCHG reads AL beside its operands; a swapped byte would change it.
  if (reg_high && i.memory) return i.map == 1 && i.opcode == 0xb0;
  // MOVZX from a high byte to ESP, which lives in R15.
  if (rm_high && !reg_is_byte && (i.row.operands & kRegWrite) != 0) return i.reg == 4;
  return false;
}

}  // namespace

bool translatable(const Insn& i, Mode mode) {
  switch (i.row.op) {
    case Op::Interpret:
      return false;
    case Op::Popf:
      return mode.has(Mode::kRing0) && i.default_operand_size && mode.code64();
    case Op::Cli:
    case Op::Sti:
      return mode.has(Mode::kRing0);
    case Op::Stac:
    case Op::Clac:
      return (mode.bits & Mode::kRing0) != 0;
    case Op::Rdtsc:
    case Op::Rdtscp:
      return (mode.bits & Mode::kTsc) != 0;
    case Op::ReadControl:
      return mode.has(Mode::kRing0);
    case Op::ReadSelector:
      return mode.code64();
    case Op::ReadBase:
    case Op::WriteBase:
      return mode.has(Mode::kFsGsBase);
    case Op::Swapgs:
      return mode.has(Mode::kRing0) && mode.code64();
    case Op::Syscall:
      return mode.code64();
    case Op::Sysret:
      return mode.has(Mode::kRing0) && i.w && mode.code64();
    case Op::Iret:
      return mode.has(Mode::kRing0) && i.w && mode.code64();
    case Op::WriteCr3:
    case Op::InvalidatePage:
      return mode.has(Mode::kRing0) && mode.code64();
    case Op::SaveState:
    case Op::SaveStateOptimized:
    case Op::SaveStateCompact:
    case Op::RestoreState:
    case Op::LoadSegment:
    case Op::Cpuid:
      return mode.code64();
    case Op::Pushf:
      return i.default_operand_size && mode.code64();
    case Op::Leave:
      return i.default_operand_size && mode.flat_stack() && !mode.has(Mode::kCode16);
    case Op::Push:
    case Op::PushImm:
    case Op::PushMem:
    case Op::Pop:
    case Op::Jcc:
    case Op::Loop:
    case Op::Jmp:
    case Op::JmpIndirect:
    case Op::Call:
    case Op::CallIndirect:
    case Op::Ret:
      return i.default_operand_size;
    case Op::BitString:
      // Bits may lie anywhere around the operand.
      if (!mode.code64() && (i.address_bits == 16 || i.segment != 0)) return false;
      return !i.operand_size_prefix;
    case Op::Bswap:
      return !i.operand_size_prefix;
    case Op::XchgAcc:
      return !i.operand_size_prefix || i.rm == 0;
    default:
      break;
  }
  switch (i.row.unit) {
    case Unit::None:
      break;
    case Unit::X87:
    case Unit::Mmx:
      if (!mode.has(Mode::kX87)) return false;
      // The interpreter sees when an exception ends.
      if (mode.has(Mode::kFerr) && may_end_x87_exception(i)) return false;
      break;
    case Unit::Sse:
      if ((mode.bits & Mode::kSse) == 0) return false;
      break;
    case Unit::Avx:
      if ((mode.bits & Mode::kAvx) == 0) return false;
      break;
  }
  return !awkward_high_byte(i);
}

bool resolve_segment(Insn& i, Mode mode) {
  if (mode.code64()) return true;
  switch (i.row.op) {
    case Op::Push:
    case Op::PushImm:
    case Op::PushMem:
    case Op::Pop:
    case Op::Call:
    case Op::CallIndirect:
    case Op::Ret:
    case Op::Leave:
      if (mode.segment(x86::SS) == SegmentKind::Unusable) return false;
      break;
    case Op::Lea:
    case Op::Nop:
      i.segment = 0;
      return true;
    case Op::Prefetch:
      // A segment's limit is not worth a look.
      if (mode.segment(i.segment - 1u) != SegmentKind::Flat) i.row.op = Op::Nop;
      i.segment = 0;
      return true;
    case Op::String:
    case Op::RepeatString: {
      if (i.string_destination() && mode.segment(x86::ES) == SegmentKind::Unusable) return false;
      if (!i.string_source()) return true;
      const SegmentKind source = mode.segment(i.segment - 1u);
      if (source == SegmentKind::Flat) i.segment = 0;
      return source != SegmentKind::Unusable;
    }
    default:
      break;
  }
  if (!i.memory) return true;
  // CS cannot be written, and is rarely read.
  if (i.segment == 1 + x86::CS) return false;
  const SegmentKind kind = mode.segment(i.segment - 1u);
  if (kind == SegmentKind::Flat) i.segment = 0;
  return kind != SegmentKind::Unusable;
}

bool may_jump(const Insn& i) { return i.row.op == Op::Jcc || i.row.op == Op::Loop; }

bool may_be_split(const Insn& i) {
  const bool exchange = i.map == 0 && !i.vex && (i.opcode & 0xfe) == 0x86;  // locks the bus
  return i.row.op == Op::Native && i.memory && (i.row.operands & kMemWrite) != 0 && !i.lock &&
         !exchange;
}

bool may_fault_natively(const Insn& i) {
  if (i.row.op != Op::Native) return false;
  if (i.row.unit != Unit::None) return true;
  const bool division = i.map == 0 && (i.opcode == 0xf6 || i.opcode == 0xf7) && (i.reg & 7) >= 6;
  return division && !i.vex;
}

bool may_show_flags(const Insn& i) {
  switch (i.row.op) {
    case Op::Nop:
    case Op::Prefetch:
    case Op::Lea:
    case Op::MovImm:
    case Op::Bswap:
    case Op::XchgAcc:
    case Op::Jcc:
    case Op::Jmp:
    case Op::Loop:
    case Op::Cld:
    case Op::Std:
    case Op::Cli:
    case Op::Stac:
    case Op::Clac:
    case Op::Swapgs:
    case Op::ZeroVectors:
      return false;
    case Op::Native:
      return (i.memory && (i.row.operands & (kMemRead | kMemWrite)) != 0) || may_fault_natively(i);
    default:
      return true;
  }
}

bool ends_block(const Insn& i) {
  switch (i.row.op) {
    case Op::Jmp:
    case Op::JmpIndirect:
    case Op::Call:
    case Op::CallIndirect:
    case Op::Ret:
    case Op::RepeatString:
    case Op::Popf:
    case Op::Stac:
    case Op::Clac:
    case Op::Syscall:
    case Op::Sysret:
    case Op::Iret:
    case Op::WriteCr3:
    case Op::InvalidatePage:
    case Op::SaveState:
    case Op::SaveStateOptimized:
    case Op::SaveStateCompact:
    case Op::RestoreState:
    case Op::LoadSegment:
    case Op::Cpuid:
      return true;
    default:
      return false;
  }
}

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
