// SPDX-License-Identifier: MIT
// Segment registers, descriptor tables, the task register, and what looks at descriptors.
#include "execution.h"
#include "handlers.h"
#include "moves.h"

namespace backplane::x86::interpreter {

void move_to_segment(Execution& x, const Instruction& i) {
  const SegReg segment = static_cast<SegReg>(i.operand[0].reg);
  if (segment == CS) raise_fault(kUD);
  load_segment(x.context, segment, static_cast<u16>(x.load(i, i.operand[1])));
  if (segment == SS) x.hold_interrupts();
}

namespace {

// LDS, LES, LFS, LGS, LSS: a far pointer from memory.
void load_far_pointer(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u64 address = x.linear(i, size + 2, false);
  const u64 offset = x.read(address, size);
  const u16 selector = static_cast<u16>(x.read(address + size, 2));
  load_segment(x.context, static_cast<SegReg>(i.argument), selector);
  x.store_register(i.operand[0], offset);
}

enum TableRegister : u8 { kGdt, kIdt };

// UMIP makes the instructions that reveal system registers privileged.
void require_umip_permission(const Execution& x) {
  if ((x.state.cr4 & kCr4UMIP) != 0) x.require_cpl0();
}

void load_table(Execution& x, const Instruction& i) {
  x.require_cpl0();
  const unsigned base_size = x.code64() ? 8 : 4;
  const u64 address = x.linear(i, base_size + 2, false);
  const u16 limit = static_cast<u16>(x.read(address, 2));
  u64 base = x.read(address + 2, base_size);
  if (x.code64()) {
    if (!x.is_canonical(base)) raise_fault(kGP, 0);
  } else if (i.operand_size == 2) {
    base &= 0xffffff;
  }
  DescriptorTable& table = i.argument == kGdt ? x.state.gdtr : x.state.idtr;
  table.limit = limit;
  table.base = base;
}

void store_table(Execution& x, const Instruction& i) {
  require_umip_permission(x);
  const DescriptorTable& table = i.argument == kGdt ? x.state.gdtr : x.state.idtr;
  const unsigned base_size = x.code64() ? 8 : 4;
  u8 image[10];
  std::memcpy(image, &table.limit, 2);
  std::memcpy(image + 2, &table.base, 8);
  x.write_bytes(x.linear(i, base_size + 2, true), image, base_size + 2);
}

void load_local_table(Execution& x, const Instruction& i) {
  x.require_protected_mode();
  x.require_cpl0();
  load_ldt(x.context, static_cast<u16>(x.load(i, i.operand[0])));
}

void load_task(Execution& x, const Instruction& i) {
  x.require_protected_mode();
  x.require_cpl0();
  load_task_register(x.context, static_cast<u16>(x.load(i, i.operand[0])));
}

void store_local_table(Execution& x, const Instruction& i) {
  x.require_protected_mode();
  require_umip_permission(x);
  x.store(i, i.operand[0], x.state.ldtr.selector);
}

void store_task(Execution& x, const Instruction& i) {
  x.require_protected_mode();
  require_umip_permission(x);
  x.store(i, i.operand[0], x.state.tr.selector);
}

template <bool (*Look)(Context, u16, u32&)>
void look_up(Execution& x, const Instruction& i) {
  x.require_protected_mode();
  u32 value = 0;
  const bool found = Look(x.context, static_cast<u16>(x.load(i, i.operand[1])), value);
  if (found) x.store_register(i.operand[0], value);
  x.set_flags(kZF, found ? kZF : 0);
}

template <bool (*Verify)(Context, u16)>
void verify(Execution& x, const Instruction& i) {
  x.require_protected_mode();
  const bool permitted = Verify(x.context, static_cast<u16>(x.load(i, i.operand[0])));
  x.set_flags(kZF, permitted ? kZF : 0);
}

// ARPL: raises the destination's RPL to that of the source.
void adjust_rpl(Execution& x, const Instruction& i) {
  x.require_protected_mode();
  const u64 source = x.load(i, i.operand[1]) & 3;
  const u64 old = x.load(i, i.operand[0]);
  const bool raise = (old & 3) < source;
  if (raise) x.store(i, i.operand[0], (old & ~u64{3}) | source);
  x.set_flags(kZF, raise ? kZF : 0);
}

// RDFSBASE and its like. [SDM 2B "RDFSBASE/RDGSBASE"]
void require_base_access(const Execution& x) {
  if (!x.code64() || (x.state.cr4 & kCr4FSGSBASE) == 0) raise_fault(kUD);
}

void read_base(Execution& x, const Instruction& i) {
  require_base_access(x);
  x.store_register(i.operand[0], x.state.seg[i.argument].base);
}

void write_base(Execution& x, const Instruction& i) {
  require_base_access(x);
  const u64 base = x.load(i, i.operand[0]);
  if (!x.is_canonical(base)) raise_fault(kGP, 0);
  x.state.seg[i.argument].base = base;
}

void swap_gs_base(Execution& x, const Instruction&) {
  if (!x.code64()) raise_fault(kUD);
  x.require_cpl0();
  swapgs(x.context);
}

}  // namespace

void add_segment_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_LDS, load_far_pointer, DS);
  t.add(ZYDIS_MNEMONIC_LES, load_far_pointer, ES);
  t.add(ZYDIS_MNEMONIC_LFS, load_far_pointer, FS);
  t.add(ZYDIS_MNEMONIC_LGS, load_far_pointer, GS);
  t.add(ZYDIS_MNEMONIC_LSS, load_far_pointer, SS);
  t.add(ZYDIS_MNEMONIC_LGDT, load_table, kGdt);
  t.add(ZYDIS_MNEMONIC_LIDT, load_table, kIdt);
  t.add(ZYDIS_MNEMONIC_SGDT, store_table, kGdt);
  t.add(ZYDIS_MNEMONIC_SIDT, store_table, kIdt);
  t.add(ZYDIS_MNEMONIC_LLDT, load_local_table);
  t.add(ZYDIS_MNEMONIC_SLDT, store_local_table);
  t.add(ZYDIS_MNEMONIC_LTR, load_task);
  t.add(ZYDIS_MNEMONIC_STR, store_task);
  t.add(ZYDIS_MNEMONIC_LAR, look_up<load_access_rights>);
  t.add(ZYDIS_MNEMONIC_LSL, look_up<load_segment_limit>);
  t.add(ZYDIS_MNEMONIC_VERR, verify<verify_read>);
  t.add(ZYDIS_MNEMONIC_VERW, verify<verify_write>);
  t.add(ZYDIS_MNEMONIC_ARPL, adjust_rpl);
  t.add(ZYDIS_MNEMONIC_RDFSBASE, read_base, FS);
  t.add(ZYDIS_MNEMONIC_RDGSBASE, read_base, GS);
  t.add(ZYDIS_MNEMONIC_WRFSBASE, write_base, FS);
  t.add(ZYDIS_MNEMONIC_WRGSBASE, write_base, GS);
  t.add(ZYDIS_MNEMONIC_SWAPGS, swap_gs_base);
}

}  // namespace backplane::x86::interpreter
