// SPDX-License-Identifier: MIT
// One function per kind of instruction; nearly all instructions are "native": re-encoded with the
// host registers that hold their operands.
#include "translate/translator.h"

namespace backplane::tcg {
namespace {

bool is_high_byte(const Insn& i, u8 number) {
  return !i.rex_present && !i.vex && number >= 4 && number < 8;
}

// True if a spilled r/m register can be operated on where it lies, in the state: the memory form
// of the instruction means the same. Not so where the upper half must be cleared, and where a
// memory operand locks the bus (XCHG) or reads more than the register form.
bool works_in_memory(const Insn& i) {
  if (i.row.unit != Unit::None) return false;
  if (i.map == 0 && (i.opcode == 0x86 || i.opcode == 0x87)) return false;
  if (i.map == 1 && (i.opcode == 0xa3 || i.opcode == 0xab || i.opcode == 0xb3 || i.opcode == 0xbb))
    return false;
  const bool writes = (i.row.operands & kRmWrite) != 0;
  return !writes || i.operand_size() != 4 || (i.row.operands & kByteOperand) != 0;
}

// Instructions that some hosts execute where the guest's processor may fault.
enum class Doubtful : u8 { Nothing, Alignment, ReservedMxcsr };

Doubtful doubtful(const Insn& i) {
  if (!i.memory) return Doubtful::Nothing;
  if (i.map == 1 && i.opcode == 0xae && (i.reg & 7) == 2) return Doubtful::ReservedMxcsr;
  if (i.vex || i.row.unit != Unit::Sse) return Doubtful::Nothing;
  const bool sha =
      (i.map == 2 && i.opcode >= 0xc8 && i.opcode <= 0xcd) || (i.map == 3 && i.opcode == 0xcc);
  return sha ? Doubtful::Alignment : Doubtful::Nothing;
}

}  // namespace

// Leaves to the interpreter what only the guest's processor can judge. [x86/vendor.h] The flags are
// in memory, or dead.
void Translator::emit_doubt(const Insn& i, const RmOperand& rm) {
  constexpr u32 kReservedMxcsr = 0xffff0000;
  if (doubtful(i) == Doubtful::ReservedMxcsr) {
    a_.test(a_.at(rm, 4), kReservedMxcsr);
  } else {
    a_.lea(a_.r11, a_.ptr[Assembler::r64(rm.reg) + rm.displacement]);
    a_.test(a_.r11b, i.memory_size() - 1);
  }
  interpret_if(a_.jump_if_forward(5));
}

void Translator::emit_native(const ScannedInsn& s) {
  const Insn& i = s.insn;
  const u16 ops = i.row.operands;
  RmOperand rm = RmOperand::of_register(i.rm);
  const bool doubt = doubtful(i) != Doubtful::Nothing;
  if (doubt) flags_before_clobber();
  if (i.memory && (ops & (kMemRead | kMemWrite)) != 0)
    rm = emit_operand(s, i.memory_size(), (ops & kMemWrite) != 0, FlagsIn::Host);
  if (doubt) emit_doubt(i, rm);
  flags_for(s);
  note_native_fault(i);

  const bool byte = (ops & kByteOperand) != 0;
  const bool partial_width = byte || i.operand_size() == 2;
  const bool reg_is_general = (ops & (kRegRead | kRegWrite)) != 0;
  const bool rm_is_general = !i.memory && (ops & (kRmRead | kRmWrite)) != 0;
  const bool rm_byte = byte || ((ops & kRmNarrow) != 0 && i.row.mem == MemSize::Byte);

  const bool reg_high = reg_is_general && byte && is_high_byte(i, i.reg);
  const bool rm_high = rm_is_general && rm_byte && is_high_byte(i, i.rm);
  if (!i.memory && (reg_high || rm_high)) {
    // No operand can need REX: encode it as it is.
    a_.encode(i, i.reg, RmOperand::of_register(i.rm), 0, false);
    flags_written(i.row);
    return;
  }

  u8 reg = i.reg, vvvv = i.vvvv;
  // T2 last: what it holds is worth the most.
  const bool in_t0 = i.memory && rm.reg == kT0;
  const u8 free_scratch[] = {kT1, in_t0 ? kT2 : kT0, kT2};
  unsigned next_scratch = 0;
  const auto take_scratch = [&] {
    const u8 reg = free_scratch[next_scratch++];
    if (reg != kT1) pointers_.forget(reg);
    return reg;
  };
  bool store_reg = false, store_rm = false, store_vvvv = false;
  if (reg_is_general && !reg_high) {
    reg = host_register(i.reg);
    if (reg == kSpilled) {
      reg = take_scratch();
      if ((ops & (kRegRead | kRegPartial)) != 0 || partial_width) load_guest(reg, i.reg);
      store_reg = (ops & kRegWrite) != 0;
    }
  }
  if ((ops & (kVvvvRead | kVvvvWrite)) != 0) {
    vvvv = host_register(i.vvvv);
    if (vvvv == kSpilled) {
      vvvv = take_scratch();
      if ((ops & kVvvvRead) != 0) load_guest(vvvv, i.vvvv);
      store_vvvv = (ops & kVvvvWrite) != 0;
    }
  }
  if (rm_is_general) {
    rm.reg = host_register(i.rm);
    constexpr u16 kWritesBoth = kRegWrite | kRmWrite;
    if (rm.reg == kSpilled && i.rm == i.reg && (ops & kWritesBoth) == kWritesBoth) {
      rm.reg = reg;  // which of two results stays (XADD) is the processor's to say
    } else if (rm.reg == kSpilled && works_in_memory(i)) {
      rm = RmOperand::at(kState, i.rm * 8);
    } else if (rm.reg == kSpilled) {
      rm.reg = take_scratch();
      if ((ops & kRmRead) != 0 || partial_width) load_guest(rm.reg, i.rm);
      store_rm = (ops & kRmWrite) != 0;
    }
  }
  if (reg_high) {
    // AH to BH beside a memory operand, whose base needs REX: swap the two low bytes around it.
    reg = i.reg - 4;
    const auto swap = [this, reg] {
      a_.db(0x86);
      a_.db(0xc0 | reg << 3 | (reg + 4));
    };
    swap();
    a_.encode(i, reg, rm, vvvv, false);
    swap();
  } else {
    a_.encode(i, reg, rm, vvvv, i.rex_present);
  }
  // MULX with one register for both halves leaves the high one, ModRM.reg's.
  if (store_vvvv) store_guest(i.vvvv, vvvv);
  if (store_reg) store_guest(i.reg, reg);
  if (store_rm) store_guest(i.rm, rm.reg);
  flags_written(i.row);
  if (i.row.unit == Unit::X87) emit_x87_pointers(i);
}

// Behind an x87 instruction: an exception that it left pending is raised by a later one, which is
// not what the pointers tell. Leaves the flags alone.
void Translator::emit_x87_pointers(const Insn& i) {
  const X87Effect effect = x87_effect(i);
  if (effect == X87Effect::None) return;
  if (effect == X87Effect::Clears) {
    a_.mov(a_.field(BACKPLANE_JIT_OFFSET(x87_page)), 0);
    a_.mov(a_.field(BACKPLANE_JIT_OFFSET(x87_operand)), 0);
    a_.mov(a_.field32(BACKPLANE_JIT_OFFSET(x87_place)), 0);
    x87_page_noted_ = false;
    return;
  }
  if (!x87_page_noted_) {
    a_.mov(a_.r11, a_.field(BACKPLANE_JIT_OFFSET(page_base)));
    a_.mov(a_.field(BACKPLANE_JIT_OFFSET(x87_page)), a_.r11);
    x87_page_noted_ = true;
  }
  a_.mov(a_.field32(BACKPLANE_JIT_OFFSET(x87_place)), X87Place::make(i.offset, x87_opcode(i)));
  if (!i.memory) return;
  const AddressKey key = operand_key(i);
  const auto spilled = [](u8 number) { return number < 16 && host_register(number) == kSpilled; };
  // Two registers have to be fetched if neither is in one of the host's.
  const u8 to = spilled(key.base) && spilled(key.index) ? kT0 : kT1;
  if (to == kT0) pointers_.forget(kT0);
  emit_key_address(to, key, operand_displacement(i), i.address_bits != 64);
  if (i.address_bits == 16) a_.movzx(Assembler::r32(to), Xbyak::Reg16(to));
  a_.mov(a_.field(BACKPLANE_JIT_OFFSET(x87_operand)), Assembler::r64(to));
}

// Of the host's address, if the TLB has it. Nothing faults, and nothing is looked up for it.
void Translator::emit_prefetch(const Insn& i) {
  flags_before_clobber();
  emit_address(i, 1);
  const u32 miss = emit_tlb_lookup(kT0, 1, offsetof(TlbEntry, read_tag));
  a_.add(a_.r10, tlb(offsetof(TlbEntry, host)));
  const Xbyak::Address at = a_.ptr[a_.r10];
  constexpr u8 kPrefetch = 0x0d;  // PREFETCH and PREFETCHW
  switch (i.reg & 7) {
    case 0:
      i.opcode == kPrefetch ? a_.prefetcht0(at) : a_.prefetchnta(at);
      break;
    case 1:
      i.opcode == kPrefetch ? a_.prefetchw(at) : a_.prefetcht0(at);
      break;
    case 2:
      a_.prefetcht1(at);
      break;
    default:
      a_.prefetcht2(at);
      break;
  }
  a_.bind(miss);
}

void Translator::emit_lea(const Insn& i) {
  const u8 home = host_register(i.reg);
  const unsigned size = i.operand_size();
  const AddressKey key = operand_key(i);
  const bool low_half = size == 4 || i.address_bits != 64;
  // The destination must not be lost while a base is brought into it.
  const bool clash =
      key.base != AddressKey::kNone && key.index == i.reg && host_register(key.base) == kSpilled;
  if (home != kSpilled && size != 2 && !clash && i.address_bits != 16) {
    emit_key_address(home, key, operand_displacement(i), low_half);
    return;
  }
  pointers_.forget(kT0);
  emit_key_address(kT0, key, operand_displacement(i), low_half);
  if (i.address_bits == 16) a_.movzx(a_.r10d, a_.r10w);
  if (size == 2) {
    if (home == kSpilled)
      a_.mov(a_.word[a_.rsp + i.reg * 8], a_.r10w);
    else
      a_.mov(Xbyak::Reg16(home), a_.r10w);
  } else if (home == kSpilled) {
    store_guest(i.reg, kT0);
  } else {
    a_.mov(Assembler::r64(home), a_.r10);
  }
}

// The host's own instruction would clear the registers that only 64-bit code has, too.
void Translator::emit_zero_vectors(const Insn& i) {
  constexpr int kRegisters = 8;
  for (int n = 0; n < kRegisters; ++n) {
    const Xbyak::Xmm x(n);
    if (i.vex_l != 0)
      a_.vpxor(x, x, x);
    else
      a_.vmovaps(x, x);
  }
}

// BT and its kin with a register offset address bits anywhere around the operand.
void Translator::emit_bit_string(const ScannedInsn& s) {
  const Insn& i = s.insn;
  const bool wide = i.w;
  flags_before_clobber();
  emit_address(i, wide ? 8 : 4);
  move_guest(kT1, i.reg);
  if (!wide) a_.movsxd(a_.r11, a_.r11d);
  a_.sar(a_.r11, wide ? 6 : 5);
  if (i.code_bits == 64)
    a_.lea(a_.r10, a_.ptr[a_.r10 + a_.r11 * (wide ? 8 : 4)]);
  else
    a_.lea(a_.r10d, a_.ptr[a_.r10 + a_.r11 * 4]);
  emit_check(kT0, wide ? 8 : 4, (i.row.operands & kMemWrite) != 0, false, false);
  pointers_.forget(kT2);
  move_guest(kT2, i.reg);
  a_.and_(a_.r14d, wide ? 63 : 31);
  flags_for(s);
  a_.encode(i, kT2, RmOperand::at(kT0), 0, false);
  flags_written(i.row);
}

void Translator::emit_mov_immediate(const Insn& i) {
  if (i.opcode < 0xb8) {  // 8 bits
    if (i.rex_present) {
      const u8 home = host_register(i.rm);
      if (home == kSpilled)
        a_.mov(a_.byte[a_.rsp + i.rm * 8], static_cast<int>(i.immediate));
      else
        a_.mov(Xbyak::Reg8(home, home >= 4 && home < 8), static_cast<int>(i.immediate));
    } else {
      a_.db(i.opcode);
      a_.db(static_cast<u8>(i.immediate));
    }
    return;
  }
  const u8 home = host_register(i.rm);
  const u8 reg = home == kSpilled ? kT1 : home;
  switch (i.operand_size()) {
    case 8:
      a_.mov(Assembler::r64(reg), i.immediate);
      break;
    case 4:
      a_.mov(Assembler::r32(reg), static_cast<u32>(i.immediate));
      break;
    default:
      if (home == kSpilled)
        a_.mov(a_.word[a_.rsp + i.rm * 8], static_cast<u16>(i.immediate));
      else
        a_.mov(Xbyak::Reg16(home), static_cast<u16>(i.immediate));
      return;
  }
  if (home == kSpilled) store_guest(i.rm, reg);
}

void Translator::emit_bswap(const Insn& i) {
  const u8 home = host_register(i.rm);
  const u8 reg = home == kSpilled ? kT1 : home;
  if (home == kSpilled) load_guest(reg, i.rm);
  if (i.w)
    a_.bswap(Assembler::r64(reg));
  else
    a_.bswap(Assembler::r32(reg));
  if (home == kSpilled) store_guest(i.rm, reg);
}

void Translator::emit_exchange(const Insn& i) {
  if (i.rm == 0) return;  // NOP, PAUSE
  const u8 home = host_register(i.rm);
  if (home == kSpilled) {
    load_guest(kT1, i.rm);
    if (!i.w) {
      a_.mov(a_.r11d, a_.r11d);
      a_.mov(a_.eax, a_.eax);
    }
    store_guest(i.rm, 0);
    a_.mov(a_.rax, a_.r11);
  } else if (i.w) {
    a_.xchg(a_.rax, Assembler::r64(home));
  } else {
    a_.xchg(Assembler::r32(home), a_.eax);
  }
}

void Translator::emit_push(const ScannedInsn& s) {
  const Insn& i = s.insn;
  const unsigned size = i.stack_operand_size();
  if (i.row.op == Op::PushMem) {
    // The value waits in T1 if the stack needs no check, which would use it.
    MemoryAccess push;
    stack_access(i, push);
    RmOperand from;
    if (i.memory) from = emit_operand(s, size, false, FlagsIn::Memory);
    const u8 value = mode_.flat_stack() && pointers_.find(push) ? kT1 : kT2;
    if (i.memory)
      a_.load(value, from, size);
    else
      move_guest(value, i.rm);
    if (value == kT2) pointers_.forget(kT2);
    t2_taken_ = value == kT2;
    const RmOperand to = emit_stack_operand(s);
    t2_taken_ = false;
    a_.mov(a_.at(to, size), Assembler::sized(value, size));
  } else {
    const RmOperand to = emit_stack_operand(s);
    if (i.row.op == Op::PushImm) {
      a_.mov(a_.at(to, size), static_cast<int>(i.immediate));
    } else {
      const u8 home = host_register(i.rm);
      if (home == kSpilled) load_guest(kT1, i.rm);
      a_.mov(a_.at(to, size), Assembler::sized(home == kSpilled ? kT1 : home, size));
    }
  }
  emit_move_stack_pointer(-static_cast<i32>(size));
}

void Translator::emit_pop(const ScannedInsn& s) {
  const Insn& i = s.insn;
  const unsigned size = i.stack_operand_size();
  const RmOperand from = emit_stack_operand(s);
  if (i.rm == 4) {
    // The stack pointer that is popped has the last word.
    a_.mov(Assembler::sized(kGuestRsp, size), a_.at(from, size));
    return;
  }
  const u8 home = host_register(i.rm);
  if (home == kSpilled) {
    a_.mov(a_.r11, a_.at(from, 8));
    store_guest(i.rm, kT1);
  } else {
    a_.mov(Assembler::sized(home, size), a_.at(from, size));
  }
  emit_move_stack_pointer(static_cast<i32>(size));
}

void Translator::emit_leave(const ScannedInsn& s) {
  const unsigned size = s.insn.stack_operand_size();
  flags_before_clobber();
  pointers_.forget(kT0);
  a_.mov(a_.r10, a_.rbp);
  if (size == 4) a_.mov(a_.r10d, a_.r10d);
  emit_check(kT0, size, false, false, false);
  a_.lea(Assembler::sized(kGuestRsp, size), a_.ptr[a_.rbp + static_cast<int>(size)]);
  a_.mov(Assembler::sized(5, size), a_.at(RmOperand::at(kT0), size));
}

}  // namespace backplane::tcg
