// SPDX-License-Identifier: MIT
#include "emit/assembler.h"

#include <cstring>

#include "backplane/memory.h"

namespace backplane::tcg {

void Assembler::keep_in_cache_line(unsigned opcode_length) {
  while (((here() + opcode_length) & 63) > 60) nop();
}

u32 Assembler::jump(u32 target) {
  keep_in_cache_line(1);
  db(0xe9);
  dd(target - (here() + 4));
  return here() - 4;
}

u32 Assembler::call_to(u32 target) {
  db(0xe8);
  dd(target - (here() + 4));
  return here() - 4;
}

u32 Assembler::jump_if(u8 condition, u32 target) {
  keep_in_cache_line(2);
  db(0x0f);
  db(0x80 | condition);
  dd(target - (here() + 4));
  return here() - 4;
}

void Assembler::patch_jump(u32 site, u32 target) {
  const u32 displacement = target - (site + 4);
  // One 32-bit store: x86 stores of aligned words, and of words within a cache line, are atomic.
  __atomic_store_n(reinterpret_cast<u32*>(buffer_.writable() + site), displacement,
                   __ATOMIC_RELEASE);
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

u32 Assembler::probe_jump_cache(unsigned mmu_index) {
  imul(r11d, r10d, kJumpCacheMultiplier);
  shr(r11d, 32 - kJumpCacheBits);
  shl(r11d, kJumpEntryShift);
  mov(r14, field(BACKPLANE_JIT_OFFSET(jump_generation) + static_cast<int>(8 * mmu_index)));
  xor_(r14, r10);
  cmp(r14, jump_entry(offsetof(JumpEntry, tag)));
  return jump_if_forward(5);
}

void Assembler::jump_to_cached() {
  and_(r10, -static_cast<int>(kPageSize));
  mov(field(BACKPLANE_JIT_OFFSET(page_base)), r10);
  jmp(jump_entry(offsetof(JumpEntry, code)));
}

void Assembler::encode_modrm(u8 reg, RmOperand rm) {
  const u8 reg_bits = (reg & 7) << 3;
  if (!rm.memory) {
    db(0xc0 | reg_bits | (rm.reg & 7));
    return;
  }
  const bool small = rm.displacement >= -128 && rm.displacement < 128;
  const bool none = rm.displacement == 0 && (rm.reg & 7) != 5;
  const u8 mod = none ? 0x00 : small ? 0x40 : 0x80;
  db(mod | reg_bits | (rm.reg & 7));
  if ((rm.reg & 7) == 4) db(0x24);  // SIB: base only
  if (none) return;
  if (small)
    db(static_cast<u8>(rm.displacement));
  else
    dd(static_cast<u32>(rm.displacement));
}

void Assembler::encode(const Insn& insn, u8 reg, RmOperand rm, u8 vvvv, bool low_byte_registers) {
  const bool r = (reg & 8) != 0;
  const bool b = (rm.reg & 8) != 0;
  if (insn.vex) {
    db(0xc4);
    db((r ? 0 : 0x80) | 0x40 | (b ? 0 : 0x20) | insn.map);
    db((insn.w ? 0x80 : 0) | ((~vvvv & 0xf) << 3) | (insn.vex_l << 2) | insn.vex_pp);
  } else {
    if (insn.operand_size_prefix) db(0x66);
    if (insn.repeat_prefix != 0) db(insn.repeat_prefix);
    if (insn.lock && rm.memory) db(0xf0);
    const u8 rex = 0x40 | (insn.w ? 8 : 0) | (r ? 4 : 0) | (b ? 1 : 0);
    if (rex != 0x40 || low_byte_registers) db(rex);
    if (insn.map >= 1) db(0x0f);
    if (insn.map == 2) db(0x38);
    if (insn.map == 3) db(0x3a);
  }
  db(insn.opcode);
  if (insn.has_modrm) encode_modrm(reg, rm);
  put(&insn.immediate, insn.immediate_size);
}

}  // namespace backplane::tcg
