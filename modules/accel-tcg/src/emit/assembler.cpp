// SPDX-License-Identifier: MIT
#include "emit/assembler.h"

#include <cstring>

namespace backplane::tcg {

namespace {

void add_modrm(CodeBytes& code, u8 reg, RmOperand rm) {
  const unsigned reg_bits = (reg & 7u) << 3;
  if (!rm.memory) return code.add(0xc0 | reg_bits | (rm.reg & 7u));
  const bool small = rm.displacement >= -128 && rm.displacement < 128;
  const bool none = rm.displacement == 0 && (rm.reg & 7) != 5;
  const unsigned mod = none ? 0x00 : small ? 0x40 : 0x80;
  code.add(mod | reg_bits | (rm.reg & 7u));
  if ((rm.reg & 7) == 4) code.add(0x24);  // SIB: base only
  if (none) return;
  if (small)
    code.add(rm.displacement);
  else
    code.add32(static_cast<u32>(rm.displacement));
}

}  // namespace

void Assembler::put(const CodeBytes& code) {
  const u32 at = here();
  setSize(at + code.size());
  std::memcpy(buffer_.writable() + at, code.data(), code.size());
}

u32 Assembler::put_jump(CodeBytes opcode, u32 target) {
  const u32 at = here() + opcode.size();
  opcode.add32(target - (at + 4));
  put(opcode);
  return at;
}

void Assembler::keep_in_cache_line(unsigned opcode_length) {
  while (((here() + opcode_length) & 63) > 60) nop();
}

u32 Assembler::jump(u32 target) {
  keep_in_cache_line(1);
  CodeBytes code;
  code.add(0xe9);
  return put_jump(code, target);
}

u32 Assembler::call_to(u32 target) {
  CodeBytes code;
  code.add(0xe8);
  return put_jump(code, target);
}

u32 Assembler::jump_if(u8 condition, u32 target) {
  keep_in_cache_line(2);
  CodeBytes code;
  code.add(0x0f, 0x80 | condition);
  return put_jump(code, target);
}

void Assembler::patch_jump(u32 site, u32 target) {
  const u32 displacement = target - (site + 4);
  // One 32-bit store: x86 stores of aligned words, and of words within a cache line, are atomic.
  __atomic_store_n(reinterpret_cast<u32*>(buffer_.writable() + site), displacement,
                   __ATOMIC_RELEASE);
}

u32 Assembler::short_jump() {
  db(0xeb);
  db(0);
  return here() - 1;
}

u32 Assembler::short_jump_if_rcx_is_zero(unsigned bits) {
  if (bits == 32) db(0x67);
  db(0xe3);
  db(0);
  return here() - 1;
}

void Assembler::bind_short(u32 site) {
  buffer_.writable()[site] = static_cast<u8>(here() - (site + 1));
}

u32 Assembler::compare_with_code() {
  for (const u8 byte : {0x4c, 0x3b, 0x1d}) db(byte);  // CMP R11, [RIP + distance]
  dd(0);
  return here() - 4;
}

void Assembler::swap_low_bytes(u8 reg) {
  db(0x86);
  db(0xc0 | reg << 3 | (reg + 4));
}

void Assembler::align_entry() {
  while ((here() & 63) > 64 - kEntrySize) nop();
}

void Assembler::replace_entry(u32 entry, u32 target) {
  u64 bytes;
  std::memcpy(&bytes, buffer_.writable() + entry, sizeof bytes);
  const u32 displacement = target - (entry + 5);
  bytes = (bytes & ~u64{0xffffffffff}) | 0xe9 | u64{displacement} << 8;
  __atomic_store_n(reinterpret_cast<u64*>(buffer_.writable() + entry), bytes, __ATOMIC_RELEASE);
}

void Assembler::encode(const Encoding& e, u8 reg, RmOperand rm, u8 vvvv, bool low_byte_registers) {
  const bool r = (reg & 8) != 0;
  const bool b = (rm.reg & 8) != 0;
  CodeBytes code;
  if (e.vex) {
    code.add(0xc4);
    code.add((r ? 0 : 0x80) | 0x40 | (b ? 0 : 0x20) | e.map);
    code.add((e.w ? 0x80 : 0) | ((~vvvv & 0xf) << 3) | (e.vex_l << 2) | e.vex_pp);
  } else {
    if (e.operand_size_prefix) code.add(0x66);
    if (e.repeat_prefix != 0) code.add(e.repeat_prefix);
    if (e.lock && rm.memory) code.add(0xf0);
    const u8 rex = 0x40 | (e.w ? 8 : 0) | (r ? 4 : 0) | (b ? 1 : 0);
    if (rex != 0x40 || low_byte_registers) code.add(rex);
    if (e.map >= 1) code.add(0x0f);
    if (e.map == 2) code.add(0x38);
    if (e.map == 3) code.add(0x3a);
  }
  code.add(e.opcode);
  if (e.has_modrm) add_modrm(code, reg, rm);
  code.add_number(&e.immediate, e.immediate_size);
  put(code);
}

}  // namespace backplane::tcg
