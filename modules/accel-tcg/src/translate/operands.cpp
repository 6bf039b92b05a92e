// SPDX-License-Identifier: MIT
// Guest registers and memory operands: where they are, and how an instruction reaches them.
#include "backplane/memory.h"
#include "translate/translator.h"

namespace backplane::tcg {

using Xbyak::RegExp;

void Translator::load_guest(u8 host, unsigned guest) {
  a_.mov(Assembler::r64(host), a_.gpr(guest));
}

void Translator::store_guest(unsigned guest, u8 host) {
  a_.mov(a_.gpr(guest), Assembler::r64(host));
}

void Translator::move_guest(u8 host, unsigned guest) {
  const u8 home = host_register(guest);
  if (home == kSpilled)
    load_guest(host, guest);
  else
    a_.mov(Assembler::r64(host), Assembler::r64(home));
}

// The address that a key's registers and a displacement make, into `to`. May use T1.
void Translator::emit_key_address(u8 to, const AddressKey& key, i32 displacement, bool low_half) {
  const Xbyak::Reg64 whole = Assembler::r64(to);
  const Xbyak::Reg32 half = Assembler::r32(to);
  const bool has_base = key.base != AddressKey::kNone;
  const bool has_index = key.index != AddressKey::kNone;
  if (key.base == AddressKey::kPage) {
    emit_page_relative(to, displacement);
    if (low_half) a_.mov(half, half);
    return;
  }
  if (!has_base && !has_index) {
    if (low_half)
      a_.mov(half, static_cast<u32>(displacement));
    else
      a_.mov(whole, static_cast<i64>(displacement));
    return;
  }
  u8 base = kSpilled, index = kSpilled;
  if (has_base) {
    base = host_register(key.base);
    if (base == kSpilled) load_guest(base = to, key.base);
  }
  if (has_index) {
    index = host_register(key.index);
    if (index == kSpilled) load_guest(index = kT1, key.index);
  }
  if (!has_index && displacement == 0) {
    if (low_half)
      a_.mov(half, Assembler::r32(base));
    else if (base != to)
      a_.mov(whole, Assembler::r64(base));
    return;
  }
  RegExp e;
  if (has_base) e = e + Assembler::r64(base);
  if (has_index) e = e + Assembler::r64(index) * (1 << key.scale);
  if (low_half)
    a_.lea(half, a_.ptr[e + displacement]);
  else
    a_.lea(whole, a_.ptr[e + displacement]);
}

Xbyak::Address Translator::segment_base(unsigned number) {
  return a_.field(static_cast<int>(offsetof(X86State, seg) + number * sizeof(x86::Segment) +
                                   offsetof(x86::Segment, base)));
}

// Linear address of any memory operand of `size` bytes, into T0. Changes the flags if the operand
// has a segment, and T1.
void Translator::emit_address(const Insn& i, unsigned size) {
  pointers_.forget(kT0);
  emit_key_address(kT0, operand_key(i), operand_displacement(i), i.address_bits != 64);
  if (i.address_bits == 16) a_.movzx(a_.r10d, a_.r10w);
  if (i.segment != 0) emit_segment(i.segment - 1u, size);
}

// Adds the segment's base to the offset in T0.
void Translator::emit_segment(unsigned number, unsigned size) {
  if (mode_.code64()) {
    a_.add(a_.r10, segment_base(number));
    return;
  }
  const SegmentKind kind = mode_.segment(number);
  if (kind == SegmentKind::Small) {
    a_.cmp(a_.r10d, 0x10000 - size);
    interpret_if(a_.jump_if_forward(7));
  }
  if (kind != SegmentKind::Flat) a_.add(a_.r10d, segment_base(number));
}

RmOperand Translator::emit_operand(const ScannedInsn& s, unsigned size, bool write, FlagsIn flags) {
  if (mode_.split()) {
    pointers_.forget(kT0);
    a_.mov(a_.r10,
           a_.field(BACKPLANE_JIT_OFFSET(split) + static_cast<int>(offsetof(SplitStore, bounce))));
    return RmOperand::at(kT0);
  }
  MemoryAccess access;
  if (operand_access(s.insn, access)) return emit_access(access, AccessPart::Operand, flags);
  const bool keep = s.insn.segment == 0 && carries_flags(flags);
  if (!keep) flags_before_clobber();
  emit_address(s.insn, size);
  emit_check(kT0, size, write, false, keep, AccessDescriptor::first(0, size, write));
  return RmOperand::at(kT0);
}

RmOperand Translator::emit_stack_operand(const ScannedInsn& s) {
  MemoryAccess access;
  stack_access(s.insn, access);
  if (mode_.flat_stack()) return emit_access(access, AccessPart::Stack, FlagsIn::Memory);
  flags_before_clobber();
  pointers_.forget(kT0);
  a_.lea(a_.r10d, a_.ptr[a_.r15 + access.displacement]);
  if (mode_.has(Mode::kStack16)) a_.movzx(a_.r10d, a_.r10w);
  emit_segment(x86::SS, access.size);
  emit_check(kT0, access.size, access.write, false, false,
             AccessDescriptor::first(0, access.size, access.write));
  return RmOperand::at(kT0);
}

// Leaves the flags alone. May use T1.
void Translator::emit_move_stack_pointer(i32 by) {
  if (mode_.code64()) {
    a_.lea(a_.r15, a_.ptr[a_.r15 + by]);
  } else if (!mode_.has(Mode::kStack16)) {
    a_.lea(a_.r15d, a_.ptr[a_.r15 + by]);
  } else {
    a_.lea(a_.r11d, a_.ptr[a_.r15 + by]);
    a_.mov(a_.r15w, a_.r11w);
  }
}

RmOperand Translator::emit_access(const MemoryAccess& access, AccessPart part, FlagsIn flags) {
  if (const auto held = pointers_.find(access)) return *held;
  AccessGroup group;
  group.low = access.displacement;
  group.high = access.displacement + static_cast<i32>(access.size);
  group.write = access.write;
  if (!mode_.apart() && block_->second_page == nullptr)
    group = access_group(code_->insns(), current_index_, part, access, mode_.flat_stack());
  const bool grouped = group.others != 0;
  const u8 pointer = grouped && !t2_taken_ && !pointers_.wanted(kT2, current_index_) ? kT2 : kT0;
  const bool keep = carries_flags(flags);
  if (!keep) flags_before_clobber();
  pointers_.forget(kT0);
  pointers_.forget(pointer);
  emit_key_address(pointer, access.key, group.low, !mode_.code64());
  emit_check(pointer, group.size(), group.write, grouped, keep,
             AccessDescriptor::first(static_cast<unsigned>(access.displacement - group.low),
                                     access.size, access.write));
  if (grouped) pointers_.hold(pointer, access.key, group);
  return RmOperand::at(pointer, access.displacement - group.low);
}

// True if the flags are to stay in the host's across a check, since an instruction will read them.
bool Translator::carries_flags(FlagsIn flags) const {
  const ScannedInsn& s = code_->insns()[current_index_];
  const u8 read =
      static_cast<u8>((s.flags_read_after & ~s.insn.row.flags_killed) | s.insn.row.flags_read);
  return flags == FlagsIn::Host && read != 0 && flags_in_host_ && !flags_in_memory_ &&
         options_.bmi2 && !recipe_suffices();
}

Xbyak::Address Translator::tlb(std::size_t field, int scale) {
  const std::size_t table = mode_.mmu_index() * sizeof(TlbEntry) * kTlbEntries;
  return a_
      .qword[a_.rsp + a_.r11 * scale + BACKPLANE_JIT_OFFSET(tlb) + static_cast<int>(table + field)];
}

// The address in `pointer` becomes the offset in its page, if its TLB entry, whose offset comes
// into T1, has it as `tag`. Returns the jump that is taken if not, or if the operand crosses the
// page's end. The flags are lost.
u32 Translator::emit_tlb_lookup(u8 pointer, unsigned size, std::size_t tag) {
  const Xbyak::Reg64 p = Assembler::r64(pointer);
  if (options_.bmi2) {
    a_.rorx(a_.r11, p, 12 - kTlbEntryShift);
  } else {
    a_.mov(a_.r11, p);
    a_.shr(a_.r11, 12 - kTlbEntryShift);
  }
  a_.and_(a_.r11d, (kTlbEntries - 1) << kTlbEntryShift);
  a_.xor_(p, tlb(tag));
  a_.cmp(p, static_cast<u32>(kPageSize - size));
  return a_.jump_if_forward(7);
}

// Linear address -> host address in `pointer`, through the TLB. [docs/translator.md "Memory"]
// `grouped`: what crosses a page goes on where each access is checked by itself. `first`: of the
// descriptor, for an instruction that reports no exception before it accesses memory.
void Translator::emit_check(u8 pointer, unsigned size, bool write, bool grouped, bool keep_flags,
                            u32 first) {
  const std::size_t tag = write ? offsetof(TlbEntry, write_tag) : offsetof(TlbEntry, read_tag);
  const Xbyak::Reg64 p = Assembler::r64(pointer);
  u32 miss = 0;
  if (!keep_flags) {
    miss = emit_tlb_lookup(pointer, size, tag);
    a_.add(p, tlb(offsetof(TlbEntry, host)));
  } else {
    // Only instructions that leave the flags alone: PEXT for the index and for the page's part of
    // the difference between address and tag, LEA and NOT to subtract, JRCXZ to branch.
    static_assert(sizeof(TlbEntry) == 4 * 8, "scale of the entry address");
    const auto index = [this, p] {
      a_.pext(a_.r11, p, a_.field(BACKPLANE_JIT_OFFSET(index_mask)));
      a_.lea(a_.r11, a_.ptr[a_.r11 * 4]);
    };
    index();
    a_.mov(a_.r11, tlb(tag, 8));
    a_.not_(a_.r11);
    a_.lea(a_.r11, a_.ptr[a_.r11 + p + static_cast<int>(size)]);  // address - tag + size - 1
    a_.pext(a_.r11, a_.r11, a_.field(BACKPLANE_JIT_OFFSET(page_mask)));
    a_.xchg(a_.rcx, a_.r11);
    a_.db(0xe3);  // JRCXZ over the jump to the miss
    const u32 over = a_.here();
    a_.db(0);
    miss = a_.jump_forward();
    a_.set_byte(over, static_cast<u8>(a_.here() - (over + 1)));
    a_.mov(a_.rcx, a_.r11);
    index();
    a_.mov(a_.r11, tlb(offsetof(TlbEntry, host), 8));
    a_.pext(p, p, a_.field(BACKPLANE_JIT_OFFSET(offset_mask)));
    a_.lea(p, a_.ptr[p + a_.r11]);
  }
  const u32 back = a_.here();
  u32 descriptor = AccessDescriptor::make(size, write, mode_.mmu_index());
  if (grouped) descriptor |= AccessDescriptor::kGroup;
  // Of the x87 an exception may wait.
  const Unit unit = code_->insns()[current_index_].insn.row.unit;
  if (unit != Unit::X87 && unit != Unit::Mmx) descriptor |= first;
  const FlagsRecipe recipe = keep_flags ? FlagsRecipe{} : flags_to_remake();
  defer([this, pointer, p, miss, back, descriptor, tag, size, grouped, keep_flags, recipe] {
    a_.bind(miss);
    if (keep_flags) {
      a_.mov(a_.rcx, a_.r11);
      emit_save_flags();
      if (pointer != kT0) a_.mov(a_.r10, p);
    } else {
      a_.xor_(p, tlb(tag));  // the linear address again
      if (pointer != kT0) a_.mov(a_.r10, p);
      if (recipe) emit_remake_and_save_flags(recipe);
    }
    if (grouped) {
      a_.mov(a_.r11d, a_.r10d);
      a_.and_(a_.r11d, static_cast<u32>(kPageSize - 1));
      a_.cmp(a_.r11d, static_cast<u32>(kPageSize - size));
      emit_jump_apart(a_.jump_if_forward(7));
    }
    a_.mov(a_.r11d, descriptor);
    a_.call_to(stubs_.memory);
    if (pointer != kT0) a_.mov(p, a_.r10);
    if (keep_flags) emit_restore_flags();
    a_.jump(back);
  });
}

// Goes on at this instruction in a block whose accesses are checked one by one.
void Translator::emit_jump_apart(u32 from) {
  const int not_executed = block_->instructions - current_index_;
  defer([this, from, not_executed] {
    a_.bind(from);
    if (options_.count_instructions) a_.add(a_.field32(BACKPLANE_JIT_OFFSET(budget)), not_executed);
    JumpSite& site = cache_.create_site(*block_);
    site.target = current_offset_;
    site.apart = true;
    site.jump = a_.jump_forward();
    site.unlinked = a_.here();
    a_.bind(site.jump);
    a_.mov(a_.r11d, site.index);
    a_.jump(stubs_.link);
  });
}

}  // namespace backplane::tcg
