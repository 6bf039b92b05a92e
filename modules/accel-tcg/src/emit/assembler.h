// SPDX-License-Identifier: MIT
// Writes host code into the code buffer. The only file that includes Xbyak.
#pragma once

#include <xbyak/xbyak.h>

#include "backplane/types.h"
#include "emit/code_buffer.h"
#include "emit/code_bytes.h"
#include "emit/conditions.h"
#include "emit/encoding.h"
#include "emit/registers.h"

namespace backplane::tcg {

// What instructions are given: a general register of some width, bytes in memory, and what the
// address of those is made of.
using HostRegister = Xbyak::Reg;
using HostMemory = Xbyak::Address;
using HostAddress = Xbyak::RegExp;

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

  // The registers of emit/registers.h, by width: 64 bits, then d, w and b.
  static constexpr Xbyak::Reg64 t0{kT0}, t1{kT1}, t2{kT2}, guest_rsp{kGuestRsp};
  static constexpr Xbyak::Reg32 t0d{kT0}, t1d{kT1}, t2d{kT2}, guest_rspd{kGuestRsp};
  static constexpr Xbyak::Reg16 t0w{kT0}, t1w{kT1}, t2w{kT2}, guest_rspw{kGuestRsp};
  static constexpr Xbyak::Reg8 t1b{kT1};

  // Fields of the state and of JitState.
  HostMemory gpr(unsigned guest) { return qword[rsp + static_cast<int>(guest * 8)]; }
  HostMemory gpr32(unsigned guest) { return dword[rsp + static_cast<int>(guest * 8)]; }
  // The low `size` bytes of a guest register that lives in the state.
  HostMemory field_of(unsigned guest, unsigned size) {
    return sized_memory(rsp + static_cast<int>(guest * 8), size);
  }
  HostMemory field(int displacement) { return qword[rsp + displacement]; }
  HostMemory field32(int displacement) { return dword[rsp + displacement]; }
  HostMemory field16(int displacement) { return word[rsp + displacement]; }

  // `size` bytes at a memory operand, and the register of that size (1, 2, 4 or 8).
  HostMemory at(const RmOperand& m, unsigned size) {
    return sized_memory(r64(m.reg) + m.displacement, size);
  }
  static HostRegister sized(u8 reg, unsigned size) {
    switch (size) {
      case 8:
        return r64(reg);
      case 4:
        return r32(reg);
      case 2:
        return r16(reg);
      default:
        return low_byte(reg);
    }
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
  static Xbyak::Reg16 r16(u8 reg) { return Xbyak::Reg16(reg); }
  // The low byte; SPL to DIL rather than AH to BH.
  static Xbyak::Reg8 low_byte(u8 reg) { return Xbyak::Reg8(reg, reg >= 4 && reg < 8); }
  // AH, CH, DH or BH.
  static Xbyak::Reg8 high_byte(u8 reg) { return Xbyak::Reg8(reg + 4); }
  static Xbyak::Xmm vector(u8 reg) { return Xbyak::Xmm(reg); }

  // A jump or call with a 32-bit displacement to an offset; returns the displacement's offset,
  // to be patched by patch_jump.
  u32 jump(u32 target);
  u32 call_to(u32 target);
  u32 jump_if(u8 condition, u32 target);  // condition: see Condition
  // The same with the target not known yet.
  u32 jump_forward() { return jump(here()); }
  u32 jump_if_forward(u8 condition) { return jump_if(condition, here()); }
  // Points the jump whose displacement is at `site` to `target`. Atomic against running code: a
  // jump's displacement never straddles a cache line.
  void patch_jump(u32 site, u32 target);
  void bind(u32 site) { patch_jump(site, here()); }
  // Jumps forward of at most 127 bytes, that never change again; `bits` (64 or 32) of RCX are
  // compared with zero, without the flags.
  u32 short_jump();
  u32 short_jump_if_rcx_is_zero(unsigned bits = 64);
  void bind_short(u32 site);

  // CMP T1 with eight bytes elsewhere in the code; returns where the distance to them is, to be
  // patched as a jump's.
  u32 compare_with_code();
  // XCHG AL, AH and their like, for one of the first four registers.
  void swap_low_bytes(u8 reg);

  // --- what most blocks have many of, which costs a fraction of encoding each instruction. In
  // sequences.cpp.

  void load_field(u8 reg, i32 displacement);   // MOV reg, [state]
  void store_field(i32 displacement, u8 reg);  // MOV [state], reg
  void load_t1(u32 value);                     // MOV T1d, value
  // CMP dword [state], 0; with a displacement that takes four bytes it is kEntrySize long.
  void compare_field32_with_zero(i32 displacement);
  // RORX T1, pointer, rotated; AND T1d, mask; XOR pointer, [state + T1 + tag]; CMP pointer, limit.
  // The pointer is T0 or T2 in all of these.
  struct TagLookup {
    u8 pointer, rotated;
    u32 mask;
    i32 tag;
    u32 limit;
  };
  void look_up_tag(const TagLookup& lookup);
  void add_at_t1(u8 pointer, i32 displacement);  // ADD pointer, [state + T1]
  void xor_at_t1(u8 pointer, i32 displacement);  // XOR pointer, [state + T1]
  // LAHF and SETO, into 16 bits of the state. T1 is lost.
  void store_flags(i32 displacement);

  // Pads so that the next kEntrySize bytes can be replaced in one store.
  static constexpr unsigned kEntrySize = 8;
  void align_entry();
  // Turns the instruction at an aligned entry into a jump, in one store.
  void replace_entry(u32 entry, u32 target);

  // Encodes an instruction. `reg` and `vvvv` are host registers (or the fields' values where they
  // name no general register). `low_byte_registers`: REX must be present so that encodings 4 to 7
  // mean SPL to DIL.
  void encode(const Encoding& e, u8 reg, RmOperand rm, u8 vvvv, bool low_byte_registers);

 private:
  HostMemory sized_memory(const HostAddress& at, unsigned size) {
    return size == 8 ? qword[at] : size == 4 ? dword[at] : size == 2 ? word[at] : byte[at];
  }
  void put(const CodeBytes& code);
  // Behind an opcode, the displacement to an offset. Returns where it is.
  u32 put_jump(CodeBytes opcode, u32 target);
  void keep_in_cache_line(unsigned opcode_length);
  CodeBuffer& buffer_;
};

}  // namespace backplane::tcg
