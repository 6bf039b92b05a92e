// SPDX-License-Identifier: MIT
// Instruction fields in encoding order: prefixes, REX or VEX, opcode, ModRM, SIB, displacement,
// immediate. [SDM 2A "Instruction Format"]
#include <cstring>

#include "backplane/x86/state.h"
#include "decode/opcode_table.h"

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

// Forms on which the vendors' processors differ [x86/vendor.h] are left to the interpreter, which
// does what the guest's does, whatever the host.

// ModRM.reg of the groups chooses the operation. False: the form is left to the interpreter.
bool refine_one_byte(Insn& i) {
  Row& row = i.row;
  const u8 group = i.reg & 7;
  switch (i.opcode) {
    case 0x8c:
      return !i.memory && i.reg < 6;
    case 0x8e:
      return !i.memory && i.reg < 6 && i.reg != x86::CS && i.reg != x86::SS;
    case 0xa4:
    case 0xa5:
    case 0xa6:
    case 0xa7:
    case 0xaa:
    case 0xab:
    case 0xac:
    case 0xad:
    case 0xae:
    case 0xaf:
      if (!i.string_source()) i.segment = 0;
      if (i.repeat_prefix == 0) return true;
      // It may end before the first element, and be left between two.
      row.op = Op::RepeatString;
      row.flags_read = kFlagsAll;
      return true;
    case 0x80:
    case 0x81:
    case 0x83:
      if (group == 2 || group == 3) row.flags_read = kFlagC;
      if (group == 7) row.operands &= ~(kRmWrite | kMemWrite);
      return true;
    case 0xc6:
    case 0xc7:
      return group == 0;
    case 0xc0:
    case 0xc1:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: {
      const bool by_one = i.opcode == 0xd0 || i.opcode == 0xd1;
      const bool by_immediate = i.opcode < 0xd0;
      const bool rotate = group < 4;
      const bool byte = (row.operands & kByteOperand) != 0;  // then W is ignored
      const unsigned mask = i.w && !byte ? 63 : 31;
      const unsigned count = static_cast<unsigned>(i.immediate) & mask;
      if (group == 2 || group == 3) row.flags_read = kFlagC;  // RCL, RCR
      row.flags_touched = rotate ? kFlagC | kFlagO : kFlagsAll;
      if (by_one || (by_immediate && count != 0)) row.flags_killed = row.flags_touched;
      return true;
    }
    case 0xf6:
    case 0xf7:
      if (group < 2) {  // TEST
        row.imm = i.opcode == 0xf6 ? Imm::Byte : Imm::Z;
        row.flags_killed = row.flags_touched = kFlagsAll;
      } else if (group == 2) {  // NOT
        row.operands |= kRmWrite | kMemWrite;
      } else if (group == 3) {  // NEG
        row.operands |= kRmWrite | kMemWrite;
        row.flags_killed = row.flags_touched = kFlagsAll;
      } else {  // MUL, IMUL, DIV, IDIV
        row.flags_killed = row.flags_touched = kFlagsAll;
      }
      return true;
    case 0xfe:
      return group < 2;
    case 0xff:
      switch (group) {
        case 0:
        case 1:
          return true;
        case 2:
          row = Row{};
          row.op = Op::CallIndirect;
          break;
        case 4:
          row = Row{};
          row.op = Op::JmpIndirect;
          break;
        case 6:
          row = Row{};
          row.op = Op::PushMem;
          break;
        default:
          return false;
      }
      row.has_modrm = true;
      row.operands = kRmRead | kMemRead;
      row.mem = MemSize::Stack;
      return i.default_operand_size;
    default:
      break;
  }
  return true;
}

// Memory forms of x87. Those with the environment are the interpreter's: it has pointers, which the
// host's processor does not know. [SDM 2D "Escape Opcode Instructions"]
bool refine_x87(Insn& i) {
  Row& row = i.row;
  const u8 group = i.reg & 7;
  if (!i.memory) {
    const unsigned second = 0xc0 | group << 3 | (i.rm & 7);
    if (i.opcode == 0xda && second < 0xe0) row.flags_read = kFlagC | kFlagZ | kFlagP;
    if (i.opcode == 0xdb && second < 0xe0) row.flags_read = kFlagC | kFlagZ | kFlagP;
    if ((i.opcode == 0xdb || i.opcode == 0xdf) && (group == 5 || group == 6))
      row.flags_killed = row.flags_touched = kFlagsAll;  // FCOMI and its kin
    return true;
  }
  struct Form {
    MemSize size;
    u16 access;
  };
  using enum MemSize;
  constexpr u16 R = kMemRead, W = kMemWrite;
  // clang-format off
  static constexpr Form kForms[8][8] = {
      {{Dword, R}, {Dword, R}, {Dword, R}, {Dword, R}, {Dword, R}, {Dword, R}, {Dword, R}, {Dword, R}},
      {{Dword, R}, {None, 0}, {Dword, W}, {Dword, W}, {None, 0}, {Word, R}, {None, 0}, {Word, W}},
      {{Dword, R}, {Dword, R}, {Dword, R}, {Dword, R}, {Dword, R}, {Dword, R}, {Dword, R}, {Dword, R}},
      {{Dword, R}, {Dword, W}, {Dword, W}, {Dword, W}, {None, 0}, {Tbyte, R}, {None, 0}, {Tbyte, W}},
      {{Qword, R}, {Qword, R}, {Qword, R}, {Qword, R}, {Qword, R}, {Qword, R}, {Qword, R}, {Qword, R}},
      {{Qword, R}, {Qword, W}, {Qword, W}, {Qword, W}, {None, 0}, {None, 0}, {None, 0}, {Word, W}},
      {{Word, R}, {Word, R}, {Word, R}, {Word, R}, {Word, R}, {Word, R}, {Word, R}, {Word, R}},
      {{Word, R}, {Word, W}, {Word, W}, {Word, W}, {Tbyte, R}, {Qword, R}, {Tbyte, W}, {Qword, W}},
  };
  // clang-format on
  const Form form = kForms[i.opcode - 0xd8][group];
  if (form.size == None) return false;
  row.mem = form.size;
  row.operands = form.access;
  return !i.operand_size_prefix;
}

// Of an instruction with a row of its own among others of its opcode.
Row with_memory(Op op) {
  Row row;
  row.op = op;
  row.has_modrm = row.memory_only = true;
  return row;
}

// 0F AE with a memory operand, plain and with VEX.
bool refine_mxcsr(Insn& i, Unit unit) {
  const u8 group = i.reg & 7;
  if (group != 2 && group != 3) return false;
  i.row.op = Op::Native;
  i.row.unit = unit;
  i.row.mem = MemSize::Dword;
  i.row.operands = group == 2 ? kMemRead : kMemWrite;  // LDMXCSR, STMXCSR
  return true;
}

bool refine_two_byte(Insn& i) {
  Row& row = i.row;
  const u8 group = i.reg & 7;
  switch (i.opcode) {
    case 0x0d:
      if (i.memory && group < 2) row.op = Op::Prefetch;
      return i.memory;  // Difference::PrefetchOfRegister
    case 0x18:
      if (i.memory && group < 4) row.op = Op::Prefetch;
      return true;
    case 0x01:
      if (i.memory) {
        row.op = Op::InvalidatePage;
        return group == 7;
      }
      switch (group << 3 | (i.rm & 7)) {
        case 0x0a:
          row.op = Op::Clac;
          return true;
        case 0x0b:
          row.op = Op::Stac;
          return true;
        case 0x38:
          row.op = Op::Swapgs;
          return true;
        case 0x39:
          row.op = Op::Rdtscp;
          return true;
        case 0x28:  // SERIALIZE: code is never stale here
          row.op = Op::Nop;
          return true;
        default:
          return false;
      }
    case 0x20:
      return !i.memory && (i.reg == 0 || (i.reg >= 2 && i.reg <= 4));
    case 0x22:
      return !i.memory && i.reg == 3;
    case 0xa3:
    case 0xab:
    case 0xb3:
    case 0xbb:
      if (i.memory) row.op = Op::BitString;
      return true;
    case 0xba:
      if (group < 4) return false;
      if (group == 4) row.operands &= ~(kRmWrite | kMemWrite);
      return true;
    case 0xa4:
    case 0xac: {
      const unsigned count = static_cast<unsigned>(i.immediate) & (i.w ? 63 : 31);
      if (count != 0) row.flags_killed = kFlagsAll;
      return count <= 8 * i.operand_size();  // Difference::DoubleShiftBeyondOperand
    }
    case 0xa5:
    case 0xad:
      return i.operand_size() != 2;  // the same
    case 0xc7:
      if (group == 4 && i.repeat_prefix == 0 && !i.operand_size_prefix)
        row = with_memory(Op::SaveStateCompact);
      else
        i.repeat_prefix = 0;
      return i.memory && (group == 1 || row.op == Op::SaveStateCompact);
    case 0xae:
      if (i.repeat_prefix == 0xf3) {
        row.op = group < 2 ? Op::ReadBase : Op::WriteBase;
        return !i.memory && group < 4 && i.code_bits == 64 && i.default_operand_size;
      }
      if (!i.memory) {
        if (group < 5 || i.repeat_prefix != 0 || i.operand_size_prefix) return false;
        row.op = Op::Native;  // LFENCE, MFENCE, SFENCE
        return true;
      }
      if (group == 4) row.op = Op::SaveState;
      if (group == 5) row.op = Op::RestoreState;
      if (group == 6) row.op = Op::SaveStateOptimized;
      return row.op != Op::Interpret || refine_mxcsr(i, Unit::Sse);
    default:
      break;
  }
  return true;
}

bool refine_vex(Insn& i) {
  Row& row = i.row;
  const u8 group = i.reg & 7;
  if (i.map == 1 && i.opcode == 0x12 && i.vex_pp == kF2 && i.vex_l == 0) row.mem = MemSize::Qword;
  if (i.map == 2 && i.opcode == 0xf3) return group >= 1 && group <= 3;
  if (i.map == 3 && (i.opcode == 0x46 || i.opcode == 0x06 || i.opcode == 0x18 || i.opcode == 0x19 ||
                     i.opcode == 0x38 || i.opcode == 0x39))
    return i.vex_l == 1;
  if (i.map == 1 && i.opcode == 0xae) return i.vex_l == 0 && refine_mxcsr(i, Unit::Avx);
  if (i.code_bits != 64 && i.map == 3 && (i.opcode == 0x16 || i.opcode == 0x22) && i.w)
    return false;  // Difference::VexWidthOutside64
  // VEX forms of general-register instructions require L = 0.
  if (row.unit == Unit::None) return i.vex_l == 0;
  return true;
}

bool refine(Insn& i) {
  if (i.vex) return refine_vex(i);
  if (i.map == 0 && i.opcode >= 0xd8 && i.opcode < 0xe0) return refine_x87(i);
  if (i.map == 0) return refine_one_byte(i);
  if (i.map == 1) return refine_two_byte(i);
  return true;
}

// LOCK is legal on read-modify-write forms with a memory destination only.
bool lockable(const Insn& i) {
  if (!i.memory || (i.row.operands & kMemWrite) == 0 || (i.row.operands & kMemRead) == 0)
    return false;
  if (i.map == 0)
    return i.opcode < 0x40 || (i.opcode >= 0x80 && i.opcode < 0x84) || i.opcode == 0x86 ||
           i.opcode == 0x87 || i.opcode == 0xf6 || i.opcode == 0xf7 || i.opcode == 0xfe ||
           i.opcode == 0xff;
  return i.map == 1 && (i.opcode == 0xab || i.opcode == 0xb3 || i.opcode == 0xba ||
                        i.opcode == 0xbb || i.opcode == 0xb0 || i.opcode == 0xb1 ||
                        i.opcode == 0xc0 || i.opcode == 0xc1 || i.opcode == 0xc7);
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

}  // namespace

X87Effect x87_effect(const Insn& i) {
  if (i.row.unit != Unit::X87 || i.opcode == 0x9b) return X87Effect::None;
  const unsigned group = i.reg & 7;
  if (i.memory) {
    const bool control_word = i.opcode == 0xd9 && (group == 5 || group == 7);
    const bool status_word = i.opcode == 0xdd && group == 7;
    return control_word || status_word ? X87Effect::None : X87Effect::Sets;
  }
  if (i.opcode == 0xdb && group == 4) return (i.rm & 7) == 3 ? X87Effect::Clears : X87Effect::None;
  return i.opcode == 0xdf && group == 4 ? X87Effect::None : X87Effect::Sets;
}

bool may_end_x87_exception(const Insn& i) {
  if (i.row.unit != Unit::X87) return false;
  const unsigned group = i.reg & 7;
  return i.memory ? i.opcode == 0xd9 && group == 5 : i.opcode == 0xdb && group == 4;
}

u16 x87_opcode(const Insn& i) {
  const unsigned modrm = static_cast<unsigned>(i.mod) << 6 | (i.reg & 7u) << 3 | (i.rm & 7u);
  return static_cast<u16>((i.opcode & 7u) << 8 | modrm);
}

unsigned Insn::memory_size() const {
  const unsigned vector = vex_l != 0 ? 32 : 16;
  switch (row.mem) {
    case MemSize::None:
      return 0;
    case MemSize::Byte:
      return 1;
    case MemSize::Word:
      return 2;
    case MemSize::Dword:
      return 4;
    case MemSize::Qword:
      return 8;
    case MemSize::Tbyte:
      return 10;
    case MemSize::Xmm:
      return 16;
    case MemSize::Ymm:
      return 32;
    case MemSize::Osize:
      return operand_size();
    case MemSize::Stack:
      return stack_operand_size();
    case MemSize::OsizeHigh:
      return w ? 8 : 4;
    case MemSize::Vector:
      return vector;
    case MemSize::HalfVector:
      return vector / 2;
    case MemSize::QuarterVector:
      return vector / 4;
    case MemSize::EighthVector:
      return vector / 8;
    case MemSize::Double:
      return w ? 16 : 8;
  }
  return 0;
}

bool decode(const u8* bytes, unsigned available, unsigned code_bits, Insn& i) {
  i = Insn{};
  i.code_bits = i.address_bits = static_cast<u8>(code_bits);
  Cursor in(bytes, available);
  Prefixes p;
  if (!read_opcode(in, i, p)) return !in.short_of_bytes();
  if (code_bits != 64 && !adapt_legacy_opcode(i)) return !in.short_of_bytes();
  const unsigned prefix = i.vex                     ? unsigned{i.vex_pp}
                          : i.repeat_prefix == 0xf2 ? unsigned{kF2}
                          : i.repeat_prefix == 0xf3 ? unsigned{kF3}
                          : i.operand_size_prefix   ? unsigned{k66}
                                                    : unsigned{kNoPrefix};
  i.row = i.vex ? vex_row(i.map, prefix, i.opcode) : legacy_row(i.map, prefix, i.opcode);
  if (i.row.op == Op::Interpret && !i.row.has_modrm) return !in.short_of_bytes();
  // In 16-bit code 66 selects 32 bits. Where it is part of the opcode it stays what it is.
  if (code_bits == 16 && i.row.unit == Unit::None) i.operand_size_prefix = i.default_operand_size;
  // F2 and F3 are part of the opcode only where the table has columns for them.
  if (!i.vex && i.row.unit == Unit::None && i.map <= 1 && i.row.op != Op::String &&
      !(i.map == 1 && (i.opcode == 0xae || i.opcode == 0xb8 || i.opcode == 0xbc ||
                       i.opcode == 0xbd || i.opcode == 0xc7)))
    i.repeat_prefix = 0;
  // Opcodes with a register in their low bits.
  if (!i.row.has_modrm) i.rm = (i.opcode & 7) | (p.b ? 8 : 0);
  if (i.short_form != ShortForm::None) {
    read_short_form(in, i);
  } else if (i.row.has_modrm) {
    read_modrm(in, i, p);
    if ((i.opcode == 0xf6 || i.opcode == 0xf7) && i.map == 0 && (i.reg & 7) < 2)
      i.row.imm = i.opcode == 0xf6 ? Imm::Byte : Imm::Z;
  }
  read_immediate(in, i);
  if (in.short_of_bytes()) return false;
  const bool accepted = refine(i) && !(i.row.memory_only && !i.memory) &&
                        !(i.row.register_only && i.memory) && (!i.lock || lockable(i));
  if (!accepted) i.row = Row{};
  if (code_bits != 64) finish_legacy(i);
  i.length = static_cast<u8>(in.consumed());
  return true;
}

}  // namespace backplane::tcg
