// SPDX-License-Identifier: MIT
#include "translate/register_effects.h"

namespace backplane::tcg {
namespace {

constexpr u16 kRax = 1 << 0, kRcx = 1 << 1, kRdx = 1 << 2, kRsp = 1 << 4, kRsi = 1 << 6,
              kRdi = 1 << 7, kAll = 0xffff;

constexpr u16 bit(u8 number) { return static_cast<u16>(1u << number); }

// AH, CH, DH and BH are parts of the first four registers.
u16 byte_register(const Insn& i, u8 number) {
  return bit(!i.rex_present && !i.vex && number >= 4 && number < 8 ? number - 4 : number);
}

u16 implicit_registers(const Insn& i) {
  if (i.vex) return i.map == 3 && (i.opcode & 0xfc) == 0x60 ? kRcx : 0;  // VPCMPxSTRI
  switch (i.map) {
    case 0:
      if (i.opcode == 0xf6 || i.opcode == 0xf7) return kRax | kRdx;  // MUL, DIV
      if (i.opcode == 0xdf && !i.memory) return kRax;                // FNSTSW AX
      return i.has_modrm ? 0 : kRax | kRdx;  // accumulator forms, CDQE, CQO, LAHF
    case 1:
      if (i.opcode == 0xb0 || i.opcode == 0xb1) return kRax;  // CMPXCHG
      if (i.opcode == 0xc7) return kRax | kRdx;               // CMPXCHG8B, CMPXCHG16B
      return 0;
    case 2:
      return 0;
    default:
      return (i.opcode & 0xfc) == 0x60 ? kRcx : 0;  // PCMPxSTRI
  }
}

// True if the instruction writes all of an address.
bool address_wide(const Insn& i) { return i.operand_size() * 8 == i.code_bits; }

// ADD, SUB, INC and DEC of a register by a constant.
bool constant_step(const Insn& i, i32& step) {
  if (i.map != 0 || i.vex || i.memory || !address_wide(i)) return false;
  const unsigned group = i.reg & 7;
  if (i.opcode == 0x81 || i.opcode == 0x83) {
    if (group != 0 && group != 5) return false;
    step = static_cast<i32>(group == 0 ? i.immediate : -i.immediate);
    return true;
  }
  if (i.opcode == 0xff && group < 2) {
    step = group == 0 ? 1 : -1;
    return true;
  }
  return false;
}

}  // namespace

RegisterEffects register_effects(const Insn& i) {
  RegisterEffects e;
  switch (i.row.op) {
    case Op::Nop:
    case Op::Prefetch:
    case Op::Jcc:
    case Op::Cld:
    case Op::Std:
    case Op::Cli:
    case Op::Sti:
    case Op::Swapgs:
    case Op::LoadTable:
      return e;
    case Op::Loop:
      if (i.opcode != 0xe3) e.written = kRcx;
      return e;
    case Op::Lea:
      if (i.has_base && i.base == i.reg && !i.has_index && !i.rip_relative && address_wide(i) &&
          i.default_address_size()) {
        e.shifted = i.reg;
        e.shift = i.displacement;
      } else {
        e.written = bit(i.reg);
      }
      return e;
    case Op::MovImm:
      e.written = i.opcode < 0xb8 ? byte_register(i, i.rm) : bit(i.rm);
      return e;
    case Op::Bswap:
      e.written = bit(i.rm);
      return e;
    case Op::XchgAcc:
      e.written = bit(i.rm) | kRax;
      return e;
    case Op::Push:
    case Op::PushImm:
    case Op::PushMem:
    case Op::PushSelector:
    case Op::Pushf:
      e.shifted = 4;
      e.shift = -static_cast<i32>(i.stack_operand_size());
      return e;
    case Op::Pop:
      if (i.rm == 4) {
        e.written = kRsp;
        return e;
      }
      e.written = bit(i.rm);
      e.shifted = 4;
      e.shift = static_cast<i32>(i.stack_operand_size());
      return e;
    case Op::PopMem:
      e.shifted = 4;
      e.shift = static_cast<i32>(i.stack_operand_size());
      return e;
    case Op::Rdtsc:
      e.written = kRax | kRdx;
      return e;
    case Op::Rdtscp:
      e.written = kRax | kRcx | kRdx;
      return e;
    case Op::ReadSelector:
      if (!i.memory) e.written = bit(i.rm);
      return e;
    case Op::ReadControl:
    case Op::ReadBase:
      e.written = bit(i.rm);
      return e;
    case Op::WriteBase:
    case Op::ZeroVectors:
      return e;
    case Op::String:
      if (i.string_source()) e.written |= kRsi;
      if (i.string_destination())
        e.written |= kRdi;
      else
        e.written |= kRax;
      return e;
    case Op::Native:
    case Op::X87:
    case Op::LoadMxcsr:
    case Op::Sha:
    case Op::BitString:
      break;
    default:
      e.written = kAll;
      return e;
  }
  if (constant_step(i, e.shift)) {
    e.shifted = i.rm;
    return e;
  }
  const u16 operands = i.row.operands;
  const bool byte = (operands & kByteOperand) != 0;
  e.written = implicit_registers(i);
  if ((operands & kRegWrite) != 0) e.written |= byte ? byte_register(i, i.reg) : bit(i.reg);
  if ((operands & kRmWrite) != 0 && !i.memory)
    e.written |= byte ? byte_register(i, i.rm) : bit(i.rm);
  if ((operands & kVvvvWrite) != 0) e.written |= bit(i.vvvv);
  return e;
}

}  // namespace backplane::tcg
