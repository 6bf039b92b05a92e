// SPDX-License-Identifier: MIT
// Writes host code into the code buffer. The only file that includes Xbyak.
#pragma once

#include <xbyak/xbyak.h>

#include "backplane/types.h"
#include "decode/insn.h"
#include "emit/code_buffer.h"
#include "emit/registers.h"
#include "runtime/jit_state.h"

namespace backplane::tcg {

// The r/m operand of a re-encoded instruction: a host register, or [base + displacement].
struct RmOperand {
  bool memory = false;
  u8 reg = 0;  // register, or base
  i32 displacement = 0;

  static RmOperand of_register(u8 reg) { return {false, reg, 0}; }
  static RmOperand at(u8 base, i32 displacement = 0) { return {true, base, displacement}; }
};

// Offsets into the code buffer are the same for both of its mappings; all jumps are relative.
class Assembler : public Xbyak::CodeGenerator {
 public:
  explicit Assembler(CodeBuffer& buffer)
      : Xbyak::CodeGenerator(buffer.size(), buffer.writable()), buffer_(buffer) {}

  CodeBuffer& buffer() const { return buffer_; }
  u32 here() const { return static_cast<u32>(getSize()); }
  void move_to(u32 offset) { setSize(offset); }
  const u8* executable(u32 offset) const { return buffer_.executable() + offset; }

  // Fields of the state and of JitState.
  Xbyak::Address gpr(unsigned guest) { return qword[rsp + static_cast<int>(guest * 8)]; }
  Xbyak::Address gpr32(unsigned guest) { return dword[rsp + static_cast<int>(guest * 8)]; }
  // The low `size` bytes of a guest register that lives in the state.
  Xbyak::Address field_of(unsigned guest, unsigned size) {
    const Xbyak::RegExp e = rsp + static_cast<int>(guest * 8);
    return size == 8 ? qword[e] : size == 4 ? dword[e] : size == 2 ? word[e] : byte[e];
  }
  Xbyak::Address field(int displacement) { return qword[rsp + displacement]; }
  Xbyak::Address field32(int displacement) { return dword[rsp + displacement]; }

  // `size` bytes at a memory operand, and the register of that size (2, 4 or 8).
  Xbyak::Address at(const RmOperand& m, unsigned size) {
    const Xbyak::RegExp e = r64(m.reg) + m.displacement;
    return size == 8 ? qword[e] : size == 4 ? dword[e] : word[e];
  }
  static Xbyak::Reg sized(u8 reg, unsigned size) {
    if (size == 8) return Xbyak::Reg64(reg);
    return size == 4 ? static_cast<Xbyak::Reg>(Xbyak::Reg32(reg)) : Xbyak::Reg16(reg);
  }
  // Loads 2, 4 or 8 bytes, zero-extended.
  void load(u8 reg, const RmOperand& from, unsigned size) {
    if (size == 2)
      movzx(r32(reg), at(from, 2));
    else
      mov(sized(reg, size), at(from, size));
  }

  static Xbyak::Reg64 r64(u8 reg) { return Xbyak::Reg64(reg); }
  static Xbyak::Reg32 r32(u8 reg) { return Xbyak::Reg32(reg); }

  // A jump or call with a 32-bit displacement to an offset; returns the displacement's offset,
  // to be patched by patch_jump.
  u32 jump(u32 target);
  u32 call_to(u32 target);
  u32 jump_if(u8 condition, u32 target);  // condition: low four bits of the Jcc opcode
  // The same with the target not known yet.
  u32 jump_forward() { return jump(here()); }
  u32 jump_if_forward(u8 condition) { return jump_if(condition, here()); }
  // Points the jump whose displacement is at `site` to `target`. Atomic against running code: a
  // jump's displacement never straddles a cache line.
  void patch_jump(u32 site, u32 target);
  // Pads so that the next kEntrySize bytes can be replaced in one store.
  static constexpr unsigned kEntrySize = 8;
  void align_entry();
  // Turns the instruction at an aligned entry into a jump, in one store.
  void replace_entry(u32 entry, u32 target);
  void set_byte(u32 offset, u8 value) { buffer_.writable()[offset] = value; }
  void bind(u32 site) { patch_jump(site, here()); }

  // Looks for the linear address in T0 in the jump cache of a TLB's code: its entry's offset in T1.
  // Returns the jump that is taken if the entry is of another. T2 is lost.
  u32 probe_jump_cache(unsigned mmu_index);
  // Jumps there; T0 is lost.
  void jump_to_cached();

  // Re-encodes a guest instruction with other registers. `reg` and `vvvv` are host registers (or
  // the original field where it is no general register); the immediate is the guest's.
  // `low_byte_registers`: REX must be present so that encodings 4 to 7 mean SPL to DIL.
  void encode(const Insn& insn, u8 reg, RmOperand rm, u8 vvvv, bool low_byte_registers);

 private:
  Xbyak::Address jump_entry(std::size_t field) {
    return qword[rsp + r11 + (BACKPLANE_JIT_OFFSET(jumps) + static_cast<int>(field))];
  }
  void put(const void* bytes, unsigned size) {
    for (unsigned i = 0; i < size; ++i) db(static_cast<const u8*>(bytes)[i]);
  }
  void encode_modrm(u8 reg, RmOperand rm);
  void keep_in_cache_line(unsigned opcode_length);
  CodeBuffer& buffer_;
};

}  // namespace backplane::tcg
