// SPDX-License-Identifier: MIT
#include "translate/insn_properties.h"

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

// In 64-bit code the stack moves 8 bytes, or 2, which is too rare.
bool has_stack_operand_size(const Insn& i, Mode mode) {
  return i.default_operand_size || !mode.code64();
}

}  // namespace

bool translatable(const Insn& i, Mode mode) {
  switch (i.row.op) {
    case Op::Interpret:
      return false;
    case Op::Popf:
      return mode.has(Mode::kRing0) && has_stack_operand_size(i, mode);
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
    case Op::WriteCr0:
    case Op::LoadTable:
      return mode.has(Mode::kRing0);
    case Op::JmpFar:
      return true;
    case Op::ReadSelector:
      return true;
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
      return mode.code64();
    case Op::LoadSegment:
      return mode.code64() || mode.has(Mode::kRing0);
    case Op::Cpuid:
      return true;
    case Op::Pushf:
      // In virtual-8086 mode it may fault.
      return (mode.code64() || mode.has(Mode::kRing0)) && has_stack_operand_size(i, mode);
    case Op::Leave:
      return i.default_operand_size && mode.flat_stack() && !mode.has(Mode::kCode16);
    case Op::Push:
    case Op::PushImm:
    case Op::PushMem:
    case Op::PushSelector:
      return has_stack_operand_size(i, mode);
    case Op::PopMem:
      // An address that uses the stack pointer uses it as it is behind the pop.
      return !(i.has_base && i.base == x86::RSP) && has_stack_operand_size(i, mode);
    case Op::PopSelector:
      // That of SS changes the stack that it is popped from.
      return mode.has(Mode::kRing0) && i.stack_selector() != x86::SS;
    case Op::Pop:
      return i.default_operand_size || (i.rm != x86::RSP && has_stack_operand_size(i, mode));
    case Op::JmpIndirect:
    case Op::Call:
    case Op::CallIndirect:
    case Op::Ret:
      return i.default_operand_size || mode.has(Mode::kCode16);
    case Op::Jcc:
    case Op::Loop:
    case Op::Jmp:
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
    case Op::PopMem:
    case Op::PushSelector:
    case Op::PopSelector:
    case Op::Pushf:
    case Op::Popf:
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
  const SegmentKind kind = mode.segment(i.segment - 1u);
  if (kind == SegmentKind::Flat) i.segment = 0;
  return kind != SegmentKind::Unusable;
}

bool may_jump(const Insn& i) { return i.row.op == Op::Jcc || i.row.op == Op::Loop; }

bool may_be_split(const Insn& i) {
  return runs_as_itself(i.row.op) && i.memory && (i.row.operands & kMemWrite) != 0 && !i.lock &&
         (i.row.operands & kOtherInMemory) == 0;
}

bool may_fault_natively(const Insn& i) {
  if (!runs_as_itself(i.row.op)) return false;
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
    case Op::X87:
    case Op::LoadMxcsr:
    case Op::Sha:
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
    case Op::JmpFar:
    case Op::WriteCr0:
    case Op::WriteCr3:
    case Op::InvalidatePage:
    case Op::SaveState:
    case Op::SaveStateOptimized:
    case Op::SaveStateCompact:
    case Op::RestoreState:
    case Op::LoadSegment:
    case Op::PopSelector:
    case Op::Cpuid:
      return true;
    default:
      return false;
  }
}

}  // namespace backplane::tcg
