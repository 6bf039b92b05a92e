// SPDX-License-Identifier: MIT
#include "translate/memory_check.h"

#include "backplane/memory.h"
#include "translate/flags_code.h"

namespace backplane::tcg {
namespace {

// The same of the entry whose offset is that many times T1.
HostMemory tlb_field(Translation& t, std::size_t field, int scale) {
  return t.a.qword[t.a.rsp + t.a.t1 * scale + tlb_place(t, field)];
}

// The flags are the check's. Returns the jump to what happens on a miss.
u32 emit_plain_check(Translation& t, const MemoryCheck& c, std::size_t tag) {
  const u32 miss = emit_tlb_lookup(t, c.pointer, c.size, tag);
  t.a.add_at_t1(c.pointer, tlb_place(t, offsetof(TlbEntry, host)));
  return miss;
}

// The same by instructions that leave the flags alone: PEXT for the index and for the page's part
// of the difference between address and tag, LEA and NOT to subtract, JRCXZ to branch.
u32 emit_check_beside_flags(Translation& t, const MemoryCheck& c, std::size_t tag) {
  static_assert(sizeof(TlbEntry) == 4 * 8, "scale of the entry address");
  Assembler& a = t.a;
  const auto p = Assembler::r64(c.pointer);
  const auto index = [&] {
    a.pext(a.t1, p, a.field(BACKPLANE_JIT_OFFSET(index_mask)));
    a.lea(a.t1, a.ptr[a.t1 * 4]);
  };
  index();
  a.mov(a.t1, tlb_field(t, tag, 8));
  a.not_(a.t1);
  a.lea(a.t1, a.ptr[a.t1 + p + static_cast<int>(c.size)]);  // address - tag + size - 1
  a.pext(a.t1, a.t1, a.field(BACKPLANE_JIT_OFFSET(page_mask)));
  a.xchg(a.rcx, a.t1);
  const u32 hit = a.short_jump_if_rcx_is_zero();
  const u32 miss = a.jump_forward();
  a.bind_short(hit);
  a.mov(a.rcx, a.t1);
  index();
  a.mov(a.t1, tlb_field(t, offsetof(TlbEntry, host), 8));
  a.pext(p, p, a.field(BACKPLANE_JIT_OFFSET(offset_mask)));
  a.lea(p, a.ptr[p + a.t1]);
  return miss;
}

u32 descriptor_of(const Translation& t, const MemoryCheck& c) {
  u32 descriptor = AccessDescriptor::make(c.size, c.write, t.mode.mmu_index());
  if (c.grouped) descriptor |= AccessDescriptor::kGroup;
  // Of the x87 an exception may wait.
  const Unit unit = t.current().insn.row.unit;
  if (unit != Unit::X87 && unit != Unit::Mmx) descriptor |= c.first;
  return descriptor;
}

}  // namespace

i32 tlb_place(const Translation& t, std::size_t field) {
  const std::size_t table = t.mode.mmu_index() * sizeof(TlbEntry) * kTlbEntries;
  return BACKPLANE_JIT_OFFSET(tlb) + static_cast<i32>(table + field);
}

u32 emit_tlb_lookup(Translation& t, u8 pointer, unsigned size, std::size_t tag) {
  constexpr u8 kRotated = 12 - kTlbEntryShift;
  constexpr u32 kMask = (kTlbEntries - 1) << kTlbEntryShift;
  const u32 limit = static_cast<u32>(kPageSize - size);
  Assembler& a = t.a;
  if (t.options.bmi2) {
    a.look_up_tag({pointer, kRotated, kMask, tlb_place(t, tag), limit});
    return a.jump_if_forward(kAbove);
  }
  const auto p = Assembler::r64(pointer);
  a.mov(a.t1, p);
  a.shr(a.t1, kRotated);
  a.and_(a.t1d, kMask);
  a.xor_at_t1(pointer, tlb_place(t, tag));
  a.cmp(p, limit);
  return a.jump_if_forward(kAbove);
}

void emit_check(Translation& t, Flags& flags, Exits& exits, const MemoryCheck& c) {
  const std::size_t tag = c.write ? offsetof(TlbEntry, write_tag) : offsetof(TlbEntry, read_tag);
  const u32 miss = c.keep_flags ? emit_check_beside_flags(t, c, tag) : emit_plain_check(t, c, tag);
  const u32 hit = t.a.here();
  const FlagsRecipe recipe = c.keep_flags ? FlagsRecipe{} : flags.to_remake();
  t.defer([&t, &exits, c, tag, miss, hit, recipe, descriptor = descriptor_of(t, c)] {
    Assembler& a = t.a;
    const auto p = Assembler::r64(c.pointer);
    a.bind(miss);
    if (c.keep_flags) {
      a.mov(a.rcx, a.t1);
      emit_save_flags(a);
      if (c.pointer != kT0) a.mov(a.t0, p);
    } else {
      a.xor_at_t1(c.pointer, tlb_place(t, tag));  // the linear address again
      if (c.pointer != kT0) a.mov(a.t0, p);
      if (recipe) emit_remake_and_save_flags(a, recipe);
    }
    if (c.grouped) {
      a.mov(a.t1d, a.t0d);
      a.and_(a.t1d, static_cast<u32>(kPageSize - 1));
      a.cmp(a.t1d, static_cast<u32>(kPageSize - c.size));
      exits.jump_apart(a.jump_if_forward(kAbove));
    }
    a.load_t1(descriptor);
    const bool general = uses_general_registers_only(t.current().insn);
    a.call_to(general ? t.stubs.memory_general : t.stubs.memory);
    if (c.pointer != kT0) a.mov(p, a.t0);
    if (c.keep_flags) emit_restore_flags(a);
    a.jump(hit);
  });
}

}  // namespace backplane::tcg
