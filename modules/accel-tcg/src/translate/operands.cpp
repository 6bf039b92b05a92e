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

// Linear address of the memory operand, into T0. Uses T1. Segment bases are added with ADD.
void Translator::emit_address(const Insn& i) {
  if (i.rip_relative) {
    emit_page_relative(kT0, static_cast<i32>(i.offset + i.length) + i.displacement);
  } else {
    u8 base = kSpilled, index = kSpilled;
    if (i.has_base) {
      base = host_register(i.base);
      if (base == kSpilled) load_guest(base = kT0, i.base);
    }
    if (i.has_index) {
      index = host_register(i.index);
      if (index == kSpilled) load_guest(index = kT1, i.index);
    }
    const int scale = 1 << i.scale;
    if (!i.has_base && !i.has_index) {
      a_.mov(a_.r10, static_cast<i64>(i.displacement));
    } else if (i.has_base && !i.has_index && i.displacement == 0) {
      if (base != kT0) a_.mov(a_.r10, Assembler::r64(base));
    } else {
      RegExp e;
      if (i.has_base) e = e + Assembler::r64(base);
      if (i.has_index) e = e + Assembler::r64(index) * scale;
      a_.lea(a_.r10, a_.ptr[e + i.displacement]);
    }
  }
  if (i.address_size_prefix) a_.mov(a_.r10d, a_.r10d);
  if (i.segment != 0) {
    const std::size_t seg = i.segment == 0x64 ? x86::FS : x86::GS;
    a_.add(a_.r10, a_.field(static_cast<int>(offsetof(X86State, seg) + seg * sizeof(x86::Segment) +
                                             offsetof(x86::Segment, base))));
  }
}

void Translator::emit_stack_address(i32 displacement) {
  if (displacement == 0)
    a_.mov(a_.r10, a_.r15);
  else
    a_.lea(a_.r10, a_.ptr[a_.r15 + displacement]);
}

Xbyak::Address Translator::tlb(std::size_t field) {
  const std::size_t table = mode_.mmu_index() * sizeof(TlbEntry) * kTlbEntries;
  return a_.qword[a_.rsp + a_.r11 + BACKPLANE_JIT_OFFSET(tlb) + static_cast<int>(table + field)];
}

// Linear address in T0 -> host address in T0, through the TLB. [docs/translator.md "Memory"]
void Translator::emit_check(unsigned size, bool write) {
  const std::size_t tag = write ? offsetof(TlbEntry, write_tag) : offsetof(TlbEntry, read_tag);
  a_.mov(a_.r11, a_.r10);
  a_.shr(a_.r11, 12 - kTlbEntryShift);
  a_.and_(a_.r11d, (kTlbEntries - 1) << kTlbEntryShift);
  a_.xor_(a_.r10, tlb(tag));
  a_.cmp(a_.r10, static_cast<u32>(kPageSize - size));
  const u32 miss = a_.jump_if_forward(7);
  a_.add(a_.r10, tlb(offsetof(TlbEntry, host)));
  const u32 back = a_.here();
  const u32 descriptor = AccessDescriptor::make(size, write, mode_.mmu_index());
  defer([this, miss, back, descriptor, tag] {
    a_.bind(miss);
    a_.xor_(a_.r10, tlb(tag));  // the linear address again
    a_.mov(a_.r11d, descriptor);
    a_.call_to(stubs_.memory);
    a_.jump(back);
  });
}

// Only instructions that leave the flags alone: PEXT for the index and for the page's part of the
// difference between address and tag, LEA and NOT to subtract, JRCXZ to branch.
void Translator::emit_flagless_check(unsigned size, bool write) {
  const std::size_t tag = write ? offsetof(TlbEntry, write_tag) : offsetof(TlbEntry, read_tag);
  const auto entry = [this](std::size_t field) {
    const std::size_t table = mode_.mmu_index() * sizeof(TlbEntry) * kTlbEntries;
    return a_.qword[a_.rsp + a_.r11 * 8 + BACKPLANE_JIT_OFFSET(tlb) +
                    static_cast<int>(table + field)];
  };
  static_assert(sizeof(TlbEntry) == 4 * 8, "scale of the entry address");
  a_.pext(a_.r11, a_.r10, a_.field(BACKPLANE_JIT_OFFSET(index_mask)));
  a_.lea(a_.r11, a_.ptr[a_.r11 * 4]);
  a_.mov(a_.r14, entry(tag));
  a_.not_(a_.r14);
  a_.lea(a_.r14, a_.ptr[a_.r14 + a_.r10 + static_cast<int>(size)]);  // address - tag + size - 1
  a_.pext(a_.r14, a_.r14, a_.field(BACKPLANE_JIT_OFFSET(page_mask)));
  a_.xchg(a_.rcx, a_.r14);
  a_.db(0xe3);  // JRCXZ over the jump to the miss
  const u32 over = a_.here();
  a_.db(0);
  const u32 miss = a_.jump_forward();
  a_.set_byte(over, static_cast<u8>(a_.here() - (over + 1)));
  a_.mov(a_.rcx, a_.r14);
  a_.mov(a_.r14, entry(tag));
  a_.not_(a_.r14);
  a_.lea(a_.r10, a_.ptr[a_.r10 + a_.r14 + 1]);  // offset in the page
  a_.mov(a_.r14, entry(offsetof(TlbEntry, host)));
  a_.lea(a_.r10, a_.ptr[a_.r10 + a_.r14]);
  const u32 back = a_.here();
  const u32 descriptor = AccessDescriptor::make(size, write, mode_.mmu_index());
  defer([this, miss, back, descriptor] {
    a_.bind(miss);
    a_.mov(a_.rcx, a_.r14);
    emit_save_flags();
    a_.mov(a_.r11d, descriptor);
    a_.call_to(stubs_.memory);
    emit_restore_flags();
    a_.jump(back);
  });
}

}  // namespace backplane::tcg
