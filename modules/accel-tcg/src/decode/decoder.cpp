// SPDX-License-Identifier: MIT
// Instruction fields in encoding order: prefixes, REX or VEX, opcode, ModRM, SIB, displacement,
// immediate. [SDM 2A "Instruction Format"]
#include <cstring>

#include "decode/forms.h"

namespace backplane::tcg {
namespace {

// Reads fields in order; remembers if the bytes did not suffice.
class Cursor {
 public:
  Cursor(const u8* bytes, unsigned available)
      : begin_(bytes),
        at_(bytes),
        end_(bytes + (available < kLongestInsn ? available : kLongestInsn)) {}

  bool short_of_bytes() const { return short_; }
  unsigned consumed() const { return static_cast<unsigned>(at_ - begin_); }
  u8 peek() const { return at_ < end_ ? *at_ : 0; }
  u8 byte() { return number<u8>(); }

  template <class T>
  T number() {
    T value{};
    if (end_ - at_ < static_cast<std::ptrdiff_t>(sizeof value)) {
      short_ = true;
      at_ = end_;
      return value;
    }
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

 private:
  const u8* begin_;
  const u8* at_;
  const u8* end_;
  bool short_ = false;
};

struct Prefixes {
  u8 rex = 0;
  bool vex = false;
  bool bad = false;  // a combination that is #UD or left to the interpreter
  bool r = false, x = false, b = false;
};

// What the row leaves to the operands.
void refine(Insn& i) {
  Row& row = i.row;
  if ((row.operands & kCounted) != 0) {
    const bool byte = (row.operands & kByteOperand) != 0;  // then W is ignored
    if ((i.immediate & (i.w && !byte ? 63 : 31)) != 0) row.flags_killed = row.flags_touched;
  }
  const bool string = row.op == Op::String || row.op == Op::RepeatString;
  if (string && !i.string_source()) i.segment = 0;
}

// Forms on which the vendors' processors differ [x86/vendor.h] are left to the interpreter, which
// does what the guest's does, whatever the host. Some of those have no row.
bool differs_by_vendor(const Insn& i) {
  if (i.vex || i.map != 1) return false;
  switch (i.opcode) {  // Difference::DoubleShiftBeyondOperand
    case 0xa4:
    case 0xac:
      return (static_cast<unsigned>(i.immediate) & (i.w ? 63 : 31)) > 8 * i.operand_size();
    case 0xa5:
    case 0xad:
      return i.operand_size() == 2;
    default:
      return false;
  }
}

// LOCK is legal on read-modify-write forms with a memory destination only.
bool lock_is_legal(const Insn& i) {
  return !i.lock || (i.memory && (i.row.operands & kLockable) != 0);
}

// [SDM 2A "16-Bit Addressing Forms with the ModR/M Byte"]
void read_operand_16(Cursor& in, Insn& i) {
  constexpr u8 kBx = 3, kBp = 5, kSi = 6, kDi = 7;
  static constexpr u8 kBase[8] = {kBx, kBx, kBp, kBp, kSi, kDi, kBp, kBx};
  static constexpr u8 kIndex[4] = {kSi, kDi, kSi, kDi};
  if (i.mod == 0 && i.rm == 6) {
    i.displacement = in.number<u16>();
    return;
  }
  i.has_base = true;
  i.base = kBase[i.rm];
  if (i.rm < 4) {
    i.has_index = true;
    i.index = kIndex[i.rm];
  }
  if (i.mod == 1) i.displacement = in.number<i8>();
  if (i.mod == 2) i.displacement = in.number<i16>();
}

void read_modrm(Cursor& in, Insn& i, const Prefixes& p) {
  const u8 modrm = in.byte();
  i.has_modrm = true;
  i.mod = modrm >> 6;
  i.reg = ((modrm >> 3) & 7) | (p.r ? 8 : 0);
  i.rm = (modrm & 7) | (p.b ? 8 : 0);
  i.memory = i.mod != 3;
  if (!i.memory) return;
  if (i.address_bits == 16) return read_operand_16(in, i);
  if ((modrm & 7) == 4) {
    const u8 sib = in.byte();
    i.scale = sib >> 6;
    i.index = ((sib >> 3) & 7) | (p.x ? 8 : 0);
    i.has_index = i.index != 4;
    i.base = (sib & 7) | (p.b ? 8 : 0);
    i.has_base = !((sib & 7) == 5 && i.mod == 0);
    if (!i.has_base) i.displacement = in.number<i32>();
  } else if ((modrm & 7) == 5 && i.mod == 0) {
    i.rip_relative = i.code_bits == 64;
    i.displacement = in.number<i32>();
  } else {
    i.base = i.rm;
    i.has_base = true;
  }
  if (i.mod == 1) i.displacement = in.number<i8>();
  if (i.mod == 2) i.displacement = in.number<i32>();
}

void read_immediate(Cursor& in, Insn& i) {
  switch (i.row.imm) {
    case Imm::None:
      return;
    case Imm::Byte:
      i.immediate_size = 1;
      i.immediate = in.number<i8>();
      return;
    case Imm::Word:
      i.immediate_size = 2;
      i.immediate = in.number<u16>();
      return;
    case Imm::V:
      if (i.w) {
        i.immediate_size = 8;
        i.immediate = in.number<i64>();
        return;
      }
      [[fallthrough]];
    case Imm::Z:
      if (i.operand_size() == 2) {
        i.immediate_size = 2;
        i.immediate = in.number<i16>();
      } else {
        i.immediate_size = 4;
        i.immediate = in.number<i32>();
      }
      return;
    case Imm::Far:
      i.immediate_size = static_cast<u8>(i.operand_size() + 2);
      i.immediate = i.operand_size() == 2 ? in.number<u16>() : in.number<u32>();
      i.immediate |= static_cast<i64>(in.number<u16>()) << 32;
      return;
  }
}

// Everything up to and including the opcode. False: not enough bytes or not ours.
bool read_opcode(Cursor& in, Insn& i, Prefixes& p) {
  for (;;) {
    const u8 b = in.byte();
    if (in.short_of_bytes()) return false;
    switch (b) {
      case 0x66:
        i.operand_size_prefix = true;
        i.default_operand_size = false;
        p.rex = 0;
        continue;
      case 0x67:
        i.address_bits = i.code_bits == 32 ? 16 : 32;
        p.rex = 0;
        continue;
      case 0xf2:
      case 0xf3:
        i.repeat_prefix = b;
        p.rex = 0;
        continue;
      case 0xf0:
        i.lock = true;
        p.rex = 0;
        continue;
      case 0x26:
      case 0x2e:
      case 0x36:
      case 0x3e:
        p.rex = 0;
        if (i.code_bits != 64) {
          i.segment = 1 + ((b >> 3) & 3);
          i.segment_prefix = true;
        }
        continue;
      case 0x64:
      case 0x65:
        i.segment = 1 + (b & 7);
        i.segment_prefix = true;
        p.rex = 0;
        continue;
      default:
        break;
    }
    if ((b & 0xf0) == 0x40 && i.code_bits == 64) {
      p.rex = b;
      continue;
    }
    i.opcode = b;
    break;
  }
  if (p.rex != 0) {
    i.rex_present = true;
    i.w = (p.rex & 8) != 0;
    p.r = (p.rex & 4) != 0;
    p.x = (p.rex & 2) != 0;
    p.b = (p.rex & 1) != 0;
  }
  if ((i.opcode == 0xc4 || i.opcode == 0xc5) && (i.code_bits == 64 || in.peek() >= 0xc0)) {
    p.bad = i.rex_present || i.operand_size_prefix || i.repeat_prefix != 0 || i.lock;
    i.vex = true;
    u8 last = in.byte();
    p.r = (last & 0x80) == 0;
    i.map = 1;
    if (i.opcode == 0xc4) {
      p.x = (last & 0x40) == 0;
      p.b = (last & 0x20) == 0;
      i.map = last & 0x1f;
      last = in.byte();
      i.w = (last & 0x80) != 0;
    }
    i.vvvv = (~last >> 3) & 0xf;
    if (i.code_bits != 64) {
      p.r = p.x = p.b = false;
      i.vvvv &= 7;
    }
    i.vex_l = (last >> 2) & 1;
    i.vex_pp = last & 3;
    i.opcode = in.byte();
    if (i.map < 1 || i.map > 3) return false;
  } else if (i.opcode == 0x0f) {
    i.map = 1;
    i.opcode = in.byte();
    if (i.opcode == 0x38 || i.opcode == 0x3a) {
      i.map = i.opcode == 0x38 ? 2 : 3;
      i.opcode = in.byte();
    }
  }
  return !in.short_of_bytes() && !p.bad;
}

// 16- and 32-bit code: opcodes that 64-bit code does not have are turned into others of the same
// meaning. False: it is left to the interpreter.
bool adapt_legacy_opcode(Insn& i) {
  if (i.vex || i.map != 0) return i.code_bits == 32 || (!i.vex && i.map == 1);
  if (i.opcode >= 0x40 && i.opcode < 0x50) {  // INC r, DEC r
    i.rm = i.opcode & 7;
    i.reg = i.opcode < 0x48 ? 0 : 1;
    i.opcode = 0xff;
    i.short_form = ShortForm::Register;
    return true;
  }
  if (i.opcode >= 0xa0 && i.opcode < 0xa4) {  // MOV between the accumulator and an address
    static constexpr u8 kMove[4] = {0x8a, 0x8b, 0x88, 0x89};
    i.opcode = kMove[i.opcode - 0xa0];
    i.short_form = ShortForm::Address;
    return true;
  }
  return i.opcode != 0x63 && i.opcode != 0x82;  // ARPL; an alias of 80
}

void read_short_form(Cursor& in, Insn& i) {
  i.has_modrm = true;
  if (i.short_form == ShortForm::Register) {
    i.mod = 3;
    return;
  }
  i.memory = true;
  i.displacement = i.address_bits == 16 ? in.number<u16>() : in.number<i32>();
}

void finish_legacy(Insn& i) {
  // General operands have 32 bits at most: W is ignored.
  constexpr u16 kGeneral = kRegRead | kRegWrite | kRmRead | kRmWrite | kVvvvRead | kVvvvWrite;
  const bool string_lengths =  // of VPCMPESTRM and VPCMPESTRI, in rAX and rDX
      i.map == 3 && (i.opcode == 0x60 || i.opcode == 0x61);
  if (i.vex && (string_lengths || (i.row.operands & kGeneral) != 0)) i.w = false;
  // The fourth operand of the VEX blends is one of eight registers.
  if (i.vex && i.map == 3 && i.opcode >= 0x4a && i.opcode <= 0x4c) i.immediate &= 0x7f;
  const bool string = i.row.op == Op::String || i.row.op == Op::RepeatString;
  if (string && i.string_source() && !i.segment_prefix) i.segment = 1 + 3;  // DS
  if (!i.memory || i.segment_prefix) return;
  const bool stack = i.has_base && (i.base == 4 || i.base == 5);
  i.segment = 1 + (stack ? 2 : 3);  // SS or DS
}

void take_row(const Form& form, Insn& i) {
  i.form = number_of(form);
  i.row = form.row;
  if (i.vex_l != 0) i.row.feature = form.feature256;
  // In 16-bit code 66 selects 32 bits. Where it is part of the opcode, or must not be there, it
  // stays what it is.
  if (i.code_bits == 16 && i.row.unit == Unit::None && form.prefixes != columns::No)
    i.operand_size_prefix = i.default_operand_size;
  if (form.prefixes == columns::Any) i.repeat_prefix = 0;
}

OpcodeMap opcode_map(const Insn& i) {
  return static_cast<OpcodeMap>(i.vex ? static_cast<unsigned>(OpcodeMap::Map0F3A) + i.map : i.map);
}

Prefix mandatory_prefix(const Insn& i) {
  if (i.vex) return static_cast<Prefix>(i.vex_pp);
  return i.repeat_prefix == 0xf2   ? kF2
         : i.repeat_prefix == 0xf3 ? kF3
         : i.operand_size_prefix   ? k66
                                   : kNoPrefix;
}

}  // namespace

bool decode(const u8* bytes, unsigned available, unsigned code_bits, Insn& i) {
  i = Insn{};
  i.code_bits = i.address_bits = static_cast<u8>(code_bits);
  Cursor in(bytes, available);
  Prefixes p;
  if (!read_opcode(in, i, p)) return !in.short_of_bytes();
  if (code_bits != 64 && !adapt_legacy_opcode(i)) return !in.short_of_bytes();
  const FormsOfOpcode forms(opcode_map(i), i.opcode);
  if (!forms) return !in.short_of_bytes();
  // Opcodes with a register in their low bits.
  if (!forms.have_modrm()) i.rm = (i.opcode & 7) | (p.b ? 8 : 0);
  if (i.short_form != ShortForm::None)
    read_short_form(in, i);
  else if (forms.have_modrm())
    read_modrm(in, i, p);
  const Form* const form = forms.find(i, mandatory_prefix(i));
  if (form != nullptr) {
    take_row(*form, i);
    read_immediate(in, i);
  }
  if (in.short_of_bytes()) return false;
  refine(i);
  if (differs_by_vendor(i) || !lock_is_legal(i)) i.row = Row{};
  if (code_bits != 64) finish_legacy(i);
  i.length = static_cast<u8>(in.consumed());
  return true;
}

}  // namespace backplane::tcg
