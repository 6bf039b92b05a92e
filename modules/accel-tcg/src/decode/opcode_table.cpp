// SPDX-License-Identifier: MIT
#include "decode/opcode_table.h"

namespace backplane::tcg {
namespace {

constexpr u16 kReg = kRegRead | kRegWrite;
constexpr u16 kLoad = kMemRead;
constexpr u16 kStore = kMemWrite;
constexpr u16 kUpdate = kMemRead | kMemWrite;

// A row of an integer form; flags are (read, killed, touched).
constexpr Row integer(u16 operands, MemSize mem, u8 read = 0, u8 killed = 0, Imm imm = Imm::None) {
  Row r;
  r.op = Op::Native;
  r.operands = operands;
  r.mem = mem;
  r.imm = imm;
  r.flags_read = read;
  r.flags_killed = killed;
  r.flags_touched = killed;
  r.has_modrm = true;
  return r;
}
constexpr Row plain(Op op, Imm imm = Imm::None) {
  Row r;
  r.op = op;
  r.imm = imm;
  return r;
}
constexpr Row with_modrm(Op op, u16 operands = 0, MemSize mem = MemSize::None) {
  Row r;
  r.op = op;
  r.operands = operands;
  r.mem = mem;
  r.has_modrm = true;
  return r;
}
constexpr Row vector(Unit unit, u16 operands, MemSize mem, Imm imm = Imm::None) {
  Row r;
  r.op = Op::Native;
  r.unit = unit;
  r.operands = operands;
  r.mem = mem;
  r.imm = imm;
  r.has_modrm = true;
  return r;
}
constexpr Row flags(Row r, u8 read, u8 killed) {
  r.flags_read = read;
  r.flags_killed = killed;
  r.flags_touched = killed;
  return r;
}
constexpr Row touching(Row r, u8 touched) {
  r.flags_touched = touched;
  return r;
}
constexpr Row reg_only(Row r) {
  r.register_only = true;
  return r;
}
constexpr Row mem_only(Row r) {
  r.memory_only = true;
  return r;
}
constexpr Row partial(Row r) {
  r.operands |= kRegPartial;
  return r;
}

// The same row whatever the prefix (66 selects the operand size; F2 and F3 are ignored).
constexpr void every(OpcodeMap& m, unsigned opcode, const Row& row) {
  for (auto& column : m) column[opcode] = row;
}
// Without and with 66 only.
constexpr void sized(OpcodeMap& m, unsigned opcode, const Row& row) {
  m[kNoPrefix][opcode] = row;
  m[k66][opcode] = row;
}

constexpr u8 kCondFlags[8] = {kFlagO, kFlagC, kFlagZ,          kFlagC | kFlagZ,
                              kFlagS, kFlagP, kFlagS | kFlagO, kFlagS | kFlagO | kFlagZ};

constexpr OpcodeMap one_byte() {
  OpcodeMap m{};
  for (unsigned op = 0; op < 8; ++op) {  // ADD OR ADC SBB AND SUB XOR CMP
    const bool carry_in = op == 2 || op == 3;
    const bool writes = op != 7;
    const u8 read = carry_in ? kFlagC : 0;
    const unsigned base = op * 8;
    const u16 rm = kRmRead | kMemRead | (writes ? kRmWrite | kMemWrite : 0);
    const u16 reg = kRegRead | (writes ? kRegWrite : 0);
    every(m, base + 0, integer(kByteOperand | kRegRead | rm, MemSize::Byte, read, kFlagsAll));
    every(m, base + 1, integer(kRegRead | rm, MemSize::Osize, read, kFlagsAll));
    every(m, base + 2,
          integer(kByteOperand | reg | kRmRead | kLoad, MemSize::Byte, read, kFlagsAll));
    every(m, base + 3, integer(reg | kRmRead | kLoad, MemSize::Osize, read, kFlagsAll));
    for (unsigned form : {4u, 5u}) {  // accumulator, immediate
      Row r = flags(plain(Op::Native, form == 4 ? Imm::Byte : Imm::Z), read, kFlagsAll);
      every(m, base + form, r);
    }
  }
  for (unsigned r = 0; r < 8; ++r) {
    every(m, 0x50 + r, plain(Op::Push));
    every(m, 0x58 + r, plain(Op::Pop));
    every(m, 0x90 + r, plain(Op::XchgAcc));
    every(m, 0xb0 + r, plain(Op::MovImm, Imm::Byte));
    every(m, 0xb8 + r, plain(Op::MovImm, Imm::V));
  }
  every(m, 0x63, integer(kRegWrite | kRmRead | kLoad | kRmNarrow, MemSize::Dword));  // MOVSXD
  every(m, 0x68, plain(Op::PushImm, Imm::Z));
  every(m, 0x6a, plain(Op::PushImm, Imm::Byte));
  every(m, 0x69,
        integer(kRegWrite | kRmRead | kLoad, MemSize::Osize, 0, kFlagsAll, Imm::Z));  // IMUL
  every(m, 0x6b, integer(kRegWrite | kRmRead | kLoad, MemSize::Osize, 0, kFlagsAll, Imm::Byte));
  for (unsigned c = 0; c < 16; ++c) {
    Row r = plain(Op::Jcc, Imm::Byte);
    r.flags_read = kCondFlags[c / 2];
    every(m, 0x70 + c, r);
  }
  for (unsigned op : {0x80u, 0x81u, 0x83u})  // group 1: refined by ModRM.reg
    every(m, op,
          integer((op == 0x80 ? kByteOperand : 0) | kRmRead | kRmWrite | kUpdate,
                  op == 0x80 ? MemSize::Byte : MemSize::Osize, 0, kFlagsAll,
                  op == 0x81 ? Imm::Z : Imm::Byte));
  every(m, 0x84, integer(kByteOperand | kRegRead | kRmRead | kLoad, MemSize::Byte, 0, kFlagsAll));
  every(m, 0x85, integer(kRegRead | kRmRead | kLoad, MemSize::Osize, 0, kFlagsAll));
  every(m, 0x86, integer(kByteOperand | kReg | kRmRead | kRmWrite | kUpdate, MemSize::Byte));
  every(m, 0x87, integer(kReg | kRmRead | kRmWrite | kUpdate, MemSize::Osize));
  every(m, 0x88, integer(kByteOperand | kRegRead | kRmWrite | kStore, MemSize::Byte));
  every(m, 0x89, integer(kRegRead | kRmWrite | kStore, MemSize::Osize));
  every(m, 0x8a, integer(kByteOperand | kRegWrite | kRmRead | kLoad, MemSize::Byte));
  every(m, 0x8b, integer(kRegWrite | kRmRead | kLoad, MemSize::Osize));
  every(m, 0x8c, with_modrm(Op::ReadSelector));
  every(m, 0x8d, mem_only(with_modrm(Op::Lea, kRegWrite)));
  every(m, 0x8e, with_modrm(Op::LoadSegment));
  every(m, 0x98, plain(Op::Native));  // CBW, CWDE, CDQE
  every(m, 0x99, plain(Op::Native));  // CWD, CDQ, CQO
  every(m, 0x9b, [] {
    Row r = plain(Op::Native);  // FWAIT
    r.unit = Unit::X87;
    return r;
  }());
  every(m, 0x9c, flags(plain(Op::Pushf), kFlagsAll, 0));
  every(m, 0x9d, flags(plain(Op::Popf), 0, kFlagsAll));
  every(m, 0x9e, flags(plain(Op::Native), kFlagO, kFlagsAll & ~kFlagO));  // SAHF
  every(m, 0x9f, flags(plain(Op::Native), kFlagsAll & ~kFlagO, 0));       // LAHF
  for (unsigned op : {0xa4u, 0xa5u, 0xaau, 0xabu, 0xacu, 0xadu}) every(m, op, plain(Op::String));
  for (unsigned op : {0xa6u, 0xa7u, 0xaeu, 0xafu})
    every(m, op, touching(flags(plain(Op::String), kFlagsAll, 0), kFlagsAll));
  every(m, 0xa8, flags(plain(Op::Native, Imm::Byte), 0, kFlagsAll));
  every(m, 0xa9, flags(plain(Op::Native, Imm::Z), 0, kFlagsAll));
  for (unsigned op : {0xc0u, 0xc1u, 0xd0u, 0xd1u, 0xd2u, 0xd3u}) {  // shifts, by group
    const bool byte = (op & 1) == 0;
    every(m, op,
          integer((byte ? kByteOperand : 0) | kRmRead | kRmWrite | kUpdate,
                  byte ? MemSize::Byte : MemSize::Osize, 0, 0, op < 0xd0 ? Imm::Byte : Imm::None));
  }
  every(m, 0xc2, plain(Op::Ret, Imm::Word));
  every(m, 0xc3, plain(Op::Ret));
  every(m, 0xc6, integer(kByteOperand | kRmWrite | kStore, MemSize::Byte, 0, 0, Imm::Byte));
  every(m, 0xc7, integer(kRmWrite | kStore, MemSize::Osize, 0, 0, Imm::Z));
  every(m, 0xc9, plain(Op::Leave));
  every(m, 0xcf, plain(Op::Iret));
  for (unsigned op = 0xd8; op < 0xe0; ++op)
    every(m, op, vector(Unit::X87, 0, MemSize::None));  // refined
  for (unsigned op = 0xe0; op < 0xe4; ++op) {
    Row r = plain(Op::Loop, Imm::Byte);
    r.flags_read = op < 0xe2 ? kFlagZ : 0;
    every(m, op, r);
  }
  every(m, 0xe8, plain(Op::Call, Imm::Z));
  every(m, 0xe9, plain(Op::Jmp, Imm::Z));
  every(m, 0xeb, plain(Op::Jmp, Imm::Byte));
  every(m, 0xf5, flags(plain(Op::Native), kFlagC, kFlagC));  // CMC
  every(m, 0xf6, integer(kByteOperand | kRmRead | kLoad, MemSize::Byte));
  every(m, 0xf7, integer(kRmRead | kLoad, MemSize::Osize));
  every(m, 0xf8, flags(plain(Op::Native), 0, kFlagC));
  every(m, 0xf9, flags(plain(Op::Native), 0, kFlagC));
  every(m, 0xfa, plain(Op::Cli));
  every(m, 0xfb, plain(Op::Sti));
  every(m, 0xfc, plain(Op::Cld));
  every(m, 0xfd, plain(Op::Std));
  every(
      m, 0xfe,
      integer(kByteOperand | kRmRead | kRmWrite | kUpdate, MemSize::Byte, 0, kFlagsAll & ~kFlagC));
  every(m, 0xff, integer(kRmRead | kRmWrite | kUpdate, MemSize::Osize, 0, kFlagsAll & ~kFlagC));
  return m;
}

// Packed arithmetic that exists for MMX (no prefix) and SSE (66).
constexpr void mmx_sse(OpcodeMap& m, unsigned op, MemSize mmx = MemSize::Qword,
                       Imm imm = Imm::None) {
  m[kNoPrefix][op] = vector(Unit::Mmx, kLoad, mmx, imm);
  m[k66][op] = vector(Unit::Sse, kLoad, MemSize::Xmm, imm);
}
// ps, pd, ss, sd.
constexpr void float4(OpcodeMap& m, unsigned op, Imm imm = Imm::None) {
  m[kNoPrefix][op] = vector(Unit::Sse, kLoad, MemSize::Xmm, imm);
  m[k66][op] = vector(Unit::Sse, kLoad, MemSize::Xmm, imm);
  m[kF3][op] = vector(Unit::Sse, kLoad, MemSize::Dword, imm);
  m[kF2][op] = vector(Unit::Sse, kLoad, MemSize::Qword, imm);
}

constexpr OpcodeMap two_byte() {
  OpcodeMap m{};
  m[kNoPrefix][0x01] = with_modrm(Op::Interpret);  // refined: STAC, CLAC, SERIALIZE, RDTSCP
  m[kNoPrefix][0x05] = plain(Op::Syscall);
  m[kNoPrefix][0x07] = plain(Op::Sysret);
  m[kNoPrefix][0x20] = with_modrm(Op::ReadControl);
  m[kNoPrefix][0x22] = with_modrm(Op::WriteCr3);
  m[kNoPrefix][0x31] = plain(Op::Rdtsc);
  m[kNoPrefix][0xa2] = plain(Op::Cpuid);
  for (unsigned op = 0x18; op < 0x20; ++op) every(m, op, with_modrm(Op::Nop));
  every(m, 0x0d, with_modrm(Op::Nop));
  for (unsigned c = 0; c < 16; ++c) {
    const u8 read = kCondFlags[c / 2];
    every(m, 0x40 + c,
          partial(integer(kRegRead | kRegWrite | kRmRead | kLoad, MemSize::Osize, read)));
    Row jcc = plain(Op::Jcc, Imm::Z);
    jcc.flags_read = read;
    every(m, 0x80 + c, jcc);
    every(m, 0x90 + c, integer(kByteOperand | kRmWrite | kStore, MemSize::Byte, read));
  }
  for (unsigned op : {0xa3u, 0xabu, 0xb3u, 0xbbu}) {  // BT BTS BTR BTC r/m, r
    const u16 write = op == 0xa3 ? 0 : kRmWrite | kMemWrite;
    Row r = integer(kRegRead | kRmRead | kMemRead | write, MemSize::Osize, 0, kFlagC);
    r.flags_touched = kFlagC;
    every(m, op, r);
  }
  every(m, 0xba, integer(kRmRead | kRmWrite | kUpdate, MemSize::Osize, 0, kFlagC, Imm::Byte));
  for (unsigned op : {0xa4u, 0xacu})  // SHLD SHRD imm8
    every(
        m, op,
        touching(integer(kRegRead | kRmRead | kRmWrite | kUpdate, MemSize::Osize, 0, 0, Imm::Byte),
                 kFlagsAll));
  for (unsigned op : {0xa5u, 0xadu})
    every(m, op,
          touching(integer(kRegRead | kRmRead | kRmWrite | kUpdate, MemSize::Osize), kFlagsAll));
  every(m, 0xaf, integer(kReg | kRmRead | kLoad, MemSize::Osize, 0, kFlagsAll));
  every(
      m, 0xb0,
      integer(kByteOperand | kRegRead | kRmRead | kRmWrite | kUpdate, MemSize::Byte, 0, kFlagsAll));
  every(m, 0xb1, integer(kRegRead | kRmRead | kRmWrite | kUpdate, MemSize::Osize, 0, kFlagsAll));
  every(m, 0xb6, integer(kRegWrite | kRmRead | kLoad | kRmNarrow, MemSize::Byte));
  every(m, 0xb7, integer(kRegWrite | kRmRead | kLoad | kRmNarrow, MemSize::Word));
  every(m, 0xbe, integer(kRegWrite | kRmRead | kLoad | kRmNarrow, MemSize::Byte));
  every(m, 0xbf, integer(kRegWrite | kRmRead | kLoad | kRmNarrow, MemSize::Word));
  const Row bit_count = integer(kRegWrite | kRmRead | kLoad, MemSize::Osize, 0, kFlagsAll);
  m[kF3][0xb8] = bit_count;
  sized(m, 0xbc, partial(integer(kReg | kRmRead | kLoad, MemSize::Osize, 0, kFlagsAll)));
  sized(m, 0xbd, partial(integer(kReg | kRmRead | kLoad, MemSize::Osize, 0, kFlagsAll)));
  m[kF3][0xbc] = bit_count;
  m[kF3][0xbd] = bit_count;
  every(m, 0xc0,
        integer(kByteOperand | kReg | kRmRead | kRmWrite | kUpdate, MemSize::Byte, 0, kFlagsAll));
  every(m, 0xc1, integer(kReg | kRmRead | kRmWrite | kUpdate, MemSize::Osize, 0, kFlagsAll));
  m[kNoPrefix][0xc3] = mem_only(integer(kRegRead | kStore, MemSize::OsizeHigh));  // MOVNTI
  every(m, 0xc7, mem_only(integer(kUpdate, MemSize::Double, kFlagsAll & ~kFlagZ, kFlagZ)));
  for (unsigned r = 0; r < 8; ++r) every(m, 0xc8 + r, plain(Op::Bswap));

  // SSE and MMX moves.
  const Row load16 = vector(Unit::Sse, kLoad, MemSize::Xmm);
  const Row store16 = vector(Unit::Sse, kStore, MemSize::Xmm);
  const Row load8 = vector(Unit::Sse, kLoad, MemSize::Qword);
  const Row store8 = vector(Unit::Sse, kStore, MemSize::Qword);
  const Row load4 = vector(Unit::Sse, kLoad, MemSize::Dword);
  const Row store4 = vector(Unit::Sse, kStore, MemSize::Dword);
  for (unsigned p : {0u, 1u}) {
    m[p][0x10] = load16;
    m[p][0x11] = store16;
    m[p][0x12] = load8;  // MOVLPS, MOVHLPS, MOVLPD
    m[p][0x13] = mem_only(store8);
    m[p][0x14] = load16;
    m[p][0x15] = load16;
    m[p][0x16] = load8;
    m[p][0x17] = mem_only(store8);
    m[p][0x28] = load16;
    m[p][0x29] = store16;
    m[p][0x2a] = vector(Unit::Mmx, kLoad, MemSize::Qword);
    m[p][0x2b] = mem_only(store16);
    m[p][0x2c] = vector(Unit::Mmx, kLoad, p == 0 ? MemSize::Qword : MemSize::Xmm);
    m[p][0x2d] = vector(Unit::Mmx, kLoad, p == 0 ? MemSize::Qword : MemSize::Xmm);
    for (unsigned op : {0x2eu, 0x2fu}) m[p][op] = flags(p == 0 ? load4 : load8, 0, kFlagsAll);
    m[p][0x50] = reg_only(vector(Unit::Sse, kRegWrite, MemSize::None));
    for (unsigned op = 0x54; op < 0x58; ++op) m[p][op] = load16;
    m[p][0xc6] = vector(Unit::Sse, kLoad, MemSize::Xmm, Imm::Byte);
  }
  m[kF3][0x10] = load4;
  m[kF2][0x10] = load8;
  m[kF3][0x11] = store4;
  m[kF2][0x11] = store8;
  m[kF3][0x12] = load16;
  m[kF2][0x12] = load8;
  m[kF3][0x16] = load16;
  for (unsigned p : {2u, 3u}) {
    m[p][0x2a] = vector(Unit::Sse, kRmRead | kLoad, MemSize::OsizeHigh);
    for (unsigned op : {0x2cu, 0x2du})
      m[p][op] = vector(Unit::Sse, kRegWrite | kLoad, p == 2 ? MemSize::Dword : MemSize::Qword);
  }
  float4(m, 0x51);
  m[kNoPrefix][0x52] = m[kNoPrefix][0x53] = load16;
  m[kF3][0x52] = m[kF3][0x53] = load4;
  for (unsigned op : {0x58u, 0x59u, 0x5cu, 0x5du, 0x5eu, 0x5fu}) float4(m, op);
  m[kNoPrefix][0x5a] = load8;
  m[k66][0x5a] = load16;
  m[kF3][0x5a] = load4;
  m[kF2][0x5a] = load8;
  for (unsigned p : {0u, 1u, 2u}) m[p][0x5b] = load16;
  for (unsigned op = 0x60; op < 0x63; ++op) mmx_sse(m, op, MemSize::Dword);
  for (unsigned op = 0x63; op < 0x6c; ++op) mmx_sse(m, op);
  m[k66][0x6c] = m[k66][0x6d] = load16;
  m[kNoPrefix][0x6e] = vector(Unit::Mmx, kRmRead | kLoad, MemSize::OsizeHigh);
  m[k66][0x6e] = vector(Unit::Sse, kRmRead | kLoad, MemSize::OsizeHigh);
  m[kNoPrefix][0x7e] = vector(Unit::Mmx, kRmWrite | kStore, MemSize::OsizeHigh);
  m[k66][0x7e] = vector(Unit::Sse, kRmWrite | kStore, MemSize::OsizeHigh);
  m[kF3][0x7e] = load8;
  m[kNoPrefix][0x6f] = vector(Unit::Mmx, kLoad, MemSize::Qword);
  m[k66][0x6f] = m[kF3][0x6f] = load16;
  m[kNoPrefix][0x7f] = vector(Unit::Mmx, kStore, MemSize::Qword);
  m[k66][0x7f] = m[kF3][0x7f] = store16;
  m[kNoPrefix][0x70] = vector(Unit::Mmx, kLoad, MemSize::Qword, Imm::Byte);
  for (unsigned p : {1u, 2u, 3u}) m[p][0x70] = vector(Unit::Sse, kLoad, MemSize::Xmm, Imm::Byte);
  for (unsigned op : {0x71u, 0x72u, 0x73u}) {
    m[kNoPrefix][op] = reg_only(vector(Unit::Mmx, 0, MemSize::None, Imm::Byte));
    m[k66][op] = reg_only(vector(Unit::Sse, 0, MemSize::None, Imm::Byte));
  }
  for (unsigned op : {0x74u, 0x75u, 0x76u}) mmx_sse(m, op);
  m[kNoPrefix][0x77] = [] {
    Row r = plain(Op::Native);  // EMMS
    r.unit = Unit::Mmx;
    return r;
  }();
  for (unsigned op : {0x7cu, 0x7du, 0xd0u}) m[k66][op] = m[kF2][op] = load16;
  float4(m, 0xc2, Imm::Byte);
  m[kNoPrefix][0xc4] = vector(Unit::Mmx, kRmRead | kLoad, MemSize::Word, Imm::Byte);
  m[k66][0xc4] = vector(Unit::Sse, kRmRead | kLoad, MemSize::Word, Imm::Byte);
  m[kNoPrefix][0xc5] = reg_only(vector(Unit::Mmx, kRegWrite, MemSize::None, Imm::Byte));
  m[k66][0xc5] = reg_only(vector(Unit::Sse, kRegWrite, MemSize::None, Imm::Byte));
  for (unsigned op = 0xd1; op < 0xff; ++op) {
    if (op == 0xd6 || op == 0xd7 || op == 0xe6 || op == 0xe7 || op == 0xf0 || op == 0xf7) continue;
    mmx_sse(m, op);
  }
  m[k66][0xd6] = store8;
  m[kF3][0xd6] = m[kF2][0xd6] = reg_only(vector(Unit::Mmx, 0, MemSize::None));
  m[kNoPrefix][0xd7] = reg_only(vector(Unit::Mmx, kRegWrite, MemSize::None));
  m[k66][0xd7] = reg_only(vector(Unit::Sse, kRegWrite, MemSize::None));
  m[k66][0xe6] = m[kF2][0xe6] = load16;
  m[kF3][0xe6] = load8;
  m[kNoPrefix][0xe7] = mem_only(vector(Unit::Mmx, kStore, MemSize::Qword));
  m[k66][0xe7] = mem_only(store16);
  m[kF2][0xf0] = mem_only(load16);
  m[kNoPrefix][0xae] = with_modrm(Op::Interpret);  // refined: fences, LDMXCSR, FXSAVE
  m[kF3][0xae] = with_modrm(Op::Interpret);        // refined: RDFSBASE and its kin
  return m;
}

constexpr OpcodeMap three_byte_38() {
  OpcodeMap m{};
  const Row load16 = vector(Unit::Sse, kLoad, MemSize::Xmm);
  for (unsigned op = 0; op < 0x0c; ++op) mmx_sse(m, op);
  for (unsigned op : {0x1cu, 0x1du, 0x1eu}) mmx_sse(m, op);
  for (unsigned op : {0x10u, 0x14u, 0x15u, 0x28u, 0x29u, 0x2bu, 0xcfu}) m[k66][op] = load16;
  m[k66][0x17] = flags(load16, 0, kFlagsAll);
  constexpr MemSize kExtend[6] = {MemSize::Qword, MemSize::Dword, MemSize::Word,
                                  MemSize::Qword, MemSize::Dword, MemSize::Qword};
  for (unsigned i = 0; i < 6; ++i)
    m[k66][0x20 + i] = m[k66][0x30 + i] = vector(Unit::Sse, kLoad, kExtend[i]);
  m[k66][0x2a] = mem_only(load16);
  for (unsigned op = 0x37; op < 0x42; ++op) m[k66][op] = load16;
  for (unsigned op = 0xc8; op < 0xce; ++op) m[kNoPrefix][op] = load16;
  for (unsigned op = 0xdb; op < 0xe0; ++op) m[k66][op] = load16;
  sized(m, 0xf0, mem_only(integer(kRegWrite | kLoad, MemSize::Osize)));  // MOVBE
  sized(m, 0xf1, mem_only(integer(kRegRead | kStore, MemSize::Osize)));
  m[kF2][0xf0] = integer(kReg | kRmRead | kLoad | kRmNarrow, MemSize::Byte);  // CRC32
  m[kF2][0xf1] = integer(kReg | kRmRead | kLoad, MemSize::Osize);
  m[k66][0xf6] = integer(kReg | kRmRead | kLoad, MemSize::OsizeHigh, kFlagC, kFlagC);  // ADCX
  m[kF3][0xf6] = integer(kReg | kRmRead | kLoad, MemSize::OsizeHigh, kFlagO, kFlagO);  // ADOX
  return m;
}

constexpr OpcodeMap three_byte_3a() {
  OpcodeMap m{};
  const auto load = [](MemSize size) { return vector(Unit::Sse, kLoad, size, Imm::Byte); };
  for (unsigned op :
       {0x08u, 0x09u, 0x0cu, 0x0du, 0x0eu, 0x40u, 0x41u, 0x42u, 0x44u, 0xceu, 0xcfu, 0xdfu})
    m[k66][op] = load(MemSize::Xmm);
  m[k66][0x0a] = load(MemSize::Dword);
  m[k66][0x0b] = load(MemSize::Qword);
  mmx_sse(m, 0x0f, MemSize::Qword, Imm::Byte);
  m[k66][0x14] = vector(Unit::Sse, kRmWrite | kStore, MemSize::Byte, Imm::Byte);
  m[k66][0x15] = vector(Unit::Sse, kRmWrite | kStore, MemSize::Word, Imm::Byte);
  m[k66][0x16] = vector(Unit::Sse, kRmWrite | kStore, MemSize::OsizeHigh, Imm::Byte);
  m[k66][0x17] = vector(Unit::Sse, kRmWrite | kStore, MemSize::Dword, Imm::Byte);
  m[k66][0x20] = vector(Unit::Sse, kRmRead | kLoad, MemSize::Byte, Imm::Byte);
  m[k66][0x21] = load(MemSize::Dword);
  m[k66][0x22] = vector(Unit::Sse, kRmRead | kLoad, MemSize::OsizeHigh, Imm::Byte);
  for (unsigned op = 0x60; op < 0x64; ++op) m[k66][op] = flags(load(MemSize::Xmm), 0, kFlagsAll);
  m[kNoPrefix][0xcc] = load(MemSize::Xmm);
  return m;
}

// --- VEX ------------------------------------------------------------------------------------

constexpr Row avx(u16 operands, MemSize mem, Imm imm = Imm::None) {
  return vector(Unit::Avx, operands, mem, imm);
}

constexpr OpcodeMap vex_0f() {
  OpcodeMap m{};
  const Row loadv = avx(kLoad, MemSize::Vector);
  const Row storev = avx(kStore, MemSize::Vector);
  const Row load8 = avx(kLoad, MemSize::Qword), store8 = avx(kStore, MemSize::Qword);
  const Row load4 = avx(kLoad, MemSize::Dword), store4 = avx(kStore, MemSize::Dword);
  const auto all4 = [&](unsigned op, Imm imm = Imm::None) {
    for (unsigned p : {0u, 1u}) m[p][op] = avx(kLoad, MemSize::Vector, imm);
    m[kF3][op] = avx(kLoad, MemSize::Dword, imm);
    m[kF2][op] = avx(kLoad, MemSize::Qword, imm);
  };
  for (unsigned p : {0u, 1u}) {
    m[p][0x10] = loadv;
    m[p][0x11] = storev;
    m[p][0x12] = m[p][0x16] = load8;
    m[p][0x13] = m[p][0x17] = mem_only(store8);
    m[p][0x14] = m[p][0x15] = loadv;
    m[p][0x28] = loadv;
    m[p][0x29] = storev;
    m[p][0x2b] = mem_only(storev);
    for (unsigned op : {0x2eu, 0x2fu}) m[p][op] = flags(p == 0 ? load4 : load8, 0, kFlagsAll);
    m[p][0x50] = reg_only(avx(kRegWrite, MemSize::None));
    for (unsigned op = 0x54; op < 0x58; ++op) m[p][op] = loadv;
    m[p][0xc6] = avx(kLoad, MemSize::Vector, Imm::Byte);
  }
  m[kF3][0x10] = load4;
  m[kF2][0x10] = load8;
  m[kF3][0x11] = store4;
  m[kF2][0x11] = store8;
  m[kF3][0x12] = m[kF3][0x16] = loadv;
  // VMOVDDUP reads 8 bytes with L = 0, 32 with L = 1: refined.
  m[kF2][0x12] = loadv;
  for (unsigned p : {2u, 3u}) {
    m[p][0x2a] = avx(kRmRead | kLoad, MemSize::OsizeHigh);
    for (unsigned op : {0x2cu, 0x2du})
      m[p][op] = avx(kRegWrite | kLoad, p == 2 ? MemSize::Dword : MemSize::Qword);
  }
  all4(0x51);
  m[kNoPrefix][0x52] = m[kNoPrefix][0x53] = loadv;
  m[kF3][0x52] = m[kF3][0x53] = load4;
  for (unsigned op : {0x58u, 0x59u, 0x5cu, 0x5du, 0x5eu, 0x5fu}) all4(op);
  m[kNoPrefix][0x5a] = avx(kLoad, MemSize::HalfVector);
  m[k66][0x5a] = loadv;
  m[kF3][0x5a] = load4;
  m[kF2][0x5a] = load8;
  for (unsigned p : {0u, 1u, 2u}) m[p][0x5b] = loadv;
  for (unsigned op = 0x60; op < 0x6e; ++op) m[k66][op] = loadv;
  m[k66][0x6e] = avx(kRmRead | kLoad, MemSize::OsizeHigh);
  m[k66][0x7e] = avx(kRmWrite | kStore, MemSize::OsizeHigh);
  m[kF3][0x7e] = load8;
  m[k66][0x6f] = m[kF3][0x6f] = loadv;
  m[k66][0x7f] = m[kF3][0x7f] = storev;
  for (unsigned p : {1u, 2u, 3u}) m[p][0x70] = avx(kLoad, MemSize::Vector, Imm::Byte);
  for (unsigned op : {0x71u, 0x72u, 0x73u}) m[k66][op] = reg_only(avx(0, MemSize::None, Imm::Byte));
  for (unsigned op : {0x74u, 0x75u, 0x76u}) m[k66][op] = loadv;
  m[kNoPrefix][0x77] = [] {
    Row r = plain(Op::Native);  // VZEROUPPER, VZEROALL
    r.unit = Unit::Avx;
    return r;
  }();
  for (unsigned op : {0x7cu, 0x7du, 0xd0u}) m[k66][op] = m[kF2][op] = loadv;
  all4(0xc2, Imm::Byte);
  m[k66][0xc4] = avx(kRmRead | kLoad, MemSize::Word, Imm::Byte);
  m[k66][0xc5] = reg_only(avx(kRegWrite, MemSize::None, Imm::Byte));
  for (unsigned op = 0xd1; op < 0xff; ++op) {
    if (op == 0xd6 || op == 0xd7 || op == 0xe6 || op == 0xe7 || op == 0xf0 || op == 0xf7) continue;
    m[k66][op] = loadv;
  }
  for (unsigned op : {0xd1u, 0xd2u, 0xd3u, 0xe1u, 0xe2u, 0xf1u, 0xf2u, 0xf3u})  // shift counts
    m[k66][op] = avx(kLoad, MemSize::Xmm);
  m[k66][0xd6] = store8;
  m[k66][0xd7] = reg_only(avx(kRegWrite, MemSize::None));
  m[k66][0xe6] = m[kF2][0xe6] = loadv;
  m[kF3][0xe6] = avx(kLoad, MemSize::HalfVector);
  m[k66][0xe7] = mem_only(storev);
  m[kF2][0xf0] = mem_only(loadv);
  m[kNoPrefix][0xae] = mem_only(with_modrm(Op::Interpret));  // refined: VLDMXCSR, VSTMXCSR
  return m;
}

constexpr OpcodeMap vex_0f38() {
  OpcodeMap m{};
  const Row loadv = avx(kLoad, MemSize::Vector);
  for (unsigned op = 0; op < 0x10; ++op) m[k66][op] = loadv;
  m[k66][0x0e] = m[k66][0x0f] = flags(loadv, 0, kFlagsAll);  // VTESTPS, VTESTPD
  m[k66][0x13] = avx(kLoad, MemSize::HalfVector);            // VCVTPH2PS
  m[k66][0x16] = loadv;
  m[k66][0x17] = flags(loadv, 0, kFlagsAll);
  m[k66][0x18] = m[k66][0x58] = avx(kLoad, MemSize::Dword);
  m[k66][0x19] = m[k66][0x59] = avx(kLoad, MemSize::Qword);
  m[k66][0x1a] = m[k66][0x5a] = mem_only(avx(kLoad, MemSize::Xmm));
  m[k66][0x78] = avx(kLoad, MemSize::Byte);
  m[k66][0x79] = avx(kLoad, MemSize::Word);
  for (unsigned op : {0x1cu, 0x1du, 0x1eu, 0x28u, 0x29u, 0x2bu, 0x36u, 0x45u, 0x46u, 0x47u, 0xcfu})
    m[k66][op] = loadv;
  constexpr MemSize kExtend[6] = {MemSize::HalfVector,    MemSize::QuarterVector,
                                  MemSize::EighthVector,  MemSize::HalfVector,
                                  MemSize::QuarterVector, MemSize::HalfVector};
  for (unsigned i = 0; i < 6; ++i) m[k66][0x20 + i] = m[k66][0x30 + i] = avx(kLoad, kExtend[i]);
  m[k66][0x2a] = mem_only(loadv);
  for (unsigned op = 0x37; op < 0x42; ++op) m[k66][op] = loadv;
  for (unsigned op = 0x96; op < 0xc0; ++op) {  // FMA
    if ((op & 0xf) < 6) continue;
    const bool scalar = (op & 0xf) >= 9 && (op & 1) != 0;
    m[k66][op] = avx(kLoad, scalar ? MemSize::OsizeHigh : MemSize::Vector);
  }
  for (unsigned op = 0xdb; op < 0xe0; ++op) m[k66][op] = loadv;
  const Row bmi = integer(kRmRead | kLoad, MemSize::OsizeHigh, 0, kFlagsAll);
  const auto with = [](Row r, u16 operands) {
    r.operands |= operands;
    return r;
  };
  const Row no_flags = integer(kRmRead | kLoad, MemSize::OsizeHigh);
  m[kNoPrefix][0xf2] = with(bmi, kRegWrite | kVvvvRead);  // ANDN
  m[kNoPrefix][0xf3] = with(bmi, kVvvvWrite);             // BLSR, BLSMSK, BLSI (refined)
  m[kNoPrefix][0xf5] = with(bmi, kRegWrite | kVvvvRead);  // BZHI
  m[kF3][0xf5] = with(no_flags, kRegWrite | kVvvvRead);   // PEXT
  m[kF2][0xf5] = with(no_flags, kRegWrite | kVvvvRead);   // PDEP
  m[kF2][0xf6] = with(no_flags, kRegWrite | kVvvvWrite);  // MULX
  m[kNoPrefix][0xf7] = with(bmi, kRegWrite | kVvvvRead);  // BEXTR
  for (unsigned p : {1u, 2u, 3u}) m[p][0xf7] = with(no_flags, kRegWrite | kVvvvRead);
  return m;
}

constexpr OpcodeMap vex_0f3a() {
  OpcodeMap m{};
  const auto load = [](MemSize size) { return avx(kLoad, size, Imm::Byte); };
  for (unsigned op :
       {0x00u, 0x01u, 0x02u, 0x04u, 0x05u, 0x06u, 0x08u, 0x09u, 0x0cu, 0x0du, 0x0eu, 0x0fu,
        0x40u, 0x41u, 0x42u, 0x44u, 0x46u, 0x4au, 0x4bu, 0x4cu, 0xceu, 0xcfu, 0xdfu})
    m[k66][op] = load(MemSize::Vector);
  m[k66][0x0a] = load(MemSize::Dword);
  m[k66][0x0b] = load(MemSize::Qword);
  m[k66][0x14] = avx(kRmWrite | kStore, MemSize::Byte, Imm::Byte);
  m[k66][0x15] = avx(kRmWrite | kStore, MemSize::Word, Imm::Byte);
  m[k66][0x16] = avx(kRmWrite | kStore, MemSize::OsizeHigh, Imm::Byte);
  m[k66][0x17] = avx(kRmWrite | kStore, MemSize::Dword, Imm::Byte);
  m[k66][0x18] = m[k66][0x38] = load(MemSize::Xmm);
  m[k66][0x19] = m[k66][0x39] = avx(kStore, MemSize::Xmm, Imm::Byte);
  m[k66][0x1d] = avx(kStore, MemSize::HalfVector, Imm::Byte);  // VCVTPS2PH
  m[k66][0x20] = avx(kRmRead | kLoad, MemSize::Byte, Imm::Byte);
  m[k66][0x21] = load(MemSize::Dword);
  m[k66][0x22] = avx(kRmRead | kLoad, MemSize::OsizeHigh, Imm::Byte);
  for (unsigned op = 0x60; op < 0x64; ++op) m[k66][op] = flags(load(MemSize::Xmm), 0, kFlagsAll);
  m[kF2][0xf0] = integer(kRegWrite | kRmRead | kLoad, MemSize::OsizeHigh, 0, 0, Imm::Byte);
  return m;
}

constexpr OpcodeMap kLegacy[4] = {one_byte(), two_byte(), three_byte_38(), three_byte_3a()};
constexpr OpcodeMap kVex[3] = {vex_0f(), vex_0f38(), vex_0f3a()};

}  // namespace

const Row& legacy_row(unsigned map, unsigned prefix, u8 opcode) {
  return kLegacy[map][prefix][opcode];
}

const Row& vex_row(unsigned map, unsigned prefix, u8 opcode) {
  return kVex[map - 1][prefix][opcode];
}

}  // namespace backplane::tcg
