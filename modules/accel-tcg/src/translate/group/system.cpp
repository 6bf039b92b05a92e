// SPDX-License-Identifier: MIT
// Of the kernel's instructions those that are too frequent to be left to the interpreter. [SDM 1
// "System Instructions"; "64-Bit Mode Instructions"]
#include "translate/group/instructions.h"
#include "translate/guest_state.h"

namespace backplane::tcg {
namespace {

constexpr int kRflags = static_cast<int>(offsetof(X86State, rflags));

SystemForm::Kind form_of(Op op) {
  switch (op) {
    case Op::Sysret:
      return SystemForm::kSysret;
    case Op::Iret:
      return SystemForm::kIret;
    case Op::WriteCr0:
      return SystemForm::kWriteCr0;
    case Op::WriteCr3:
      return SystemForm::kWriteCr3;
    case Op::InvalidatePage:
      return SystemForm::kInvalidatePage;
    case Op::SaveState:
      return SystemForm::kSave;
    case Op::SaveStateOptimized:
      return SystemForm::kSaveOptimized;
    case Op::SaveStateCompact:
      return SystemForm::kSaveCompact;
    case Op::RestoreState:
      return SystemForm::kRestore;
    case Op::Cpuid:
      return SystemForm::kCpuid;
    default:
      return SystemForm::kSyscall;
  }
}

// A part of the state into a general register, zero-extended. Leaves the flags alone.
void read_state(Emitter& e, u8 number, std::size_t place, unsigned size) {
  const u8 reg = Emitter::target(number);
  e.a.load(reg, RmOperand::at(kState, static_cast<i32>(place)), size);
  e.define(number, reg);
}

}  // namespace

// The code behind them uses another TLB.
void emit_access_control(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  e.flags.into_memory(s.flags_live_before);
  e.flags.before_clobber();
  if (i.row.op == Op::Stac)
    e.a.or_(e.a.field32(kRflags), static_cast<u32>(x86::kAC));
  else
    e.a.and_(e.a.field32(kRflags), ~static_cast<u32>(x86::kAC));
  e.exits.jump(i64{i.offset} + i.length);
}

void emit_swapgs(Emitter& e, const ScannedInsn&) {
  constexpr int kKernelGsBase = static_cast<int>(offsetof(X86State, kernel_gs_base));
  Assembler& a = e.a;
  e.scratch(kT0);
  a.mov(a.t0, segment_base(a, x86::GS));
  a.mov(a.t1, a.field(kKernelGsBase));
  a.mov(segment_base(a, x86::GS), a.t1);
  a.mov(a.field(kKernelGsBase), a.t0);
}

void emit_read_control(Emitter& e, const ScannedInsn& s) {
  static constexpr std::size_t kPlaces[] = {offsetof(X86State, cr0), 0, offsetof(X86State, cr2),
                                            offsetof(X86State, cr3), offsetof(X86State, cr4)};
  read_state(e, s.insn.rm, kPlaces[s.insn.reg], e.mode().code64() ? 8 : 4);
}

// In 16- and 32-bit code a limit and a base of four bytes, or of three. [SDM 2A "LGDT/LIDT-Load
// Global/Interrupt Descriptor Table Register"]
void emit_load_table(Emitter& e, const ScannedInsn& s) {
  constexpr u8 kGdt = 2;  // in ModRM.reg
  const std::size_t table =
      s.insn.reg == kGdt ? offsetof(X86State, gdtr) : offsetof(X86State, idtr);
  const auto place = [table](std::size_t in_table) { return static_cast<int>(table + in_table); };
  Assembler& a = e.a;
  const RmOperand from = e.operands.checked(6, false, Operands::FlagsIn::Memory);
  a.load(kT1, from, 2);
  a.mov(a.field16(place(offsetof(x86::DescriptorTable, limit))), a.t1w);
  a.load(kT1, RmOperand::at(from.reg, from.displacement + 2), 4);
  if (s.insn.operand_size() == 2) a.and_(a.t1d, 0xffffff);
  a.mov(a.field(place(offsetof(x86::DescriptorTable, base))), a.t1);
}

void emit_read_base(Emitter& e, const ScannedInsn& s) {
  const std::size_t segment = (s.insn.reg & 7) == 0 ? x86::FS : x86::GS;
  read_state(
      e, s.insn.rm,
      offsetof(X86State, seg) + segment * sizeof(x86::Segment) + offsetof(x86::Segment, base),
      s.insn.w ? 8 : 4);
}

// What is not canonical faults. [SDM 2B "WRFSBASE/WRGSBASE-Write FS/GS Segment Base"]
void emit_write_base(Emitter& e, const ScannedInsn& s) {
  Assembler& a = e.a;
  const Insn& i = s.insn;
  if (i.w) {
    e.flags.into_memory(kFlagsAll);
    e.flags.before_clobber();
  }
  e.use_in(kT1, i.rm);
  if (i.w) {
    e.scratch(kT0);
    a.mov(a.t0, a.t1);
    a.shl(a.t0, 16);
    a.sar(a.t0, 16);
    a.cmp(a.t0, a.t1);
    e.exits.interpret_if(a.jump_if_forward(kNotEqual));
  } else {
    a.mov(a.t1d, a.t1d);
  }
  a.mov(segment_base(a, (i.reg & 7) == 2 ? x86::FS : x86::GS), a.t1);
}

void emit_read_time_stamp(Emitter& e, const ScannedInsn& s) {
  constexpr int kOffset = static_cast<int>(offsetof(X86State, tsc_offset));
  constexpr int kAux = static_cast<int>(offsetof(X86State, tsc_aux));
  constexpr int kValidUntil = static_cast<int>(offsetof(X86State, tsc_valid_until));
  Assembler& a = e.a;
  const bool with_processor = s.insn.row.op == Op::Rdtscp;
  e.flags.into_memory(kFlagsAll);
  e.flags.before_clobber();
  if (with_processor)
    a.rdtscp();
  else
    a.rdtsc();
  a.shl(a.rdx, 32);
  a.or_(a.rdx, a.rax);
  // Past that the machine is asked, which may have to hold the counter back.
  a.cmp(a.rdx, a.field(kValidUntil));
  e.exits.interpret_if(a.jump_if_forward(kAbove));
  a.add(a.rdx, a.field(kOffset));
  a.mov(a.eax, a.edx);
  a.shr(a.rdx, 32);
  if (with_processor) a.mov(a.ecx, a.field32(kAux));
}

void emit_call_for_function(Emitter& e, const ScannedInsn& s) {
  Assembler& a = e.a;
  const Insn& i = s.insn;
  e.flags.into_memory(kFlagsAll);
  if (i.memory) {
    e.flags.before_clobber();
    e.operands.address(1);
    a.mov(a.field(BACKPLANE_JIT_OFFSET(slow_linear)), a.t0);
  }
  emit_call_of(e, SystemForm::make(i, form_of(i.row.op)));
}

void emit_call_of(Emitter& e, u32 form) {
  e.a.mov(e.a.t0d, form);
  e.a.mov(e.a.t1d, e.block.current().insn.offset);
  e.a.jump(e.block.stubs.system);
}

}  // namespace backplane::tcg
