// SPDX-License-Identifier: MIT
// Instructions of the kernel that are too frequent to be left to the interpreter.
#include "translate/translator.h"

namespace backplane::tcg {
namespace {

constexpr int kRflags = static_cast<int>(offsetof(X86State, rflags));
constexpr int kTscOffset = static_cast<int>(offsetof(X86State, tsc_offset));
constexpr int kTscAux = static_cast<int>(offsetof(X86State, tsc_aux));
constexpr int kTscValidUntil = static_cast<int>(offsetof(X86State, tsc_valid_until));

// What POPF may change here; another bit that would change is left to the interpreter.
constexpr u32 kSimpleFlags = static_cast<u32>(x86::kArithmeticFlags | x86::kIF);

SystemForm::Kind system_kind(Op op) {
  switch (op) {
    case Op::Sysret:
      return SystemForm::kSysret;
    case Op::Iret:
      return SystemForm::kIret;
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
    case Op::LoadSegment:
      return SystemForm::kLoadSegment;
    case Op::Cpuid:
      return SystemForm::kCpuid;
    default:
      return SystemForm::kSyscall;
  }
}

}  // namespace

// Flags of the host are lost.
u32 Translator::jump_if_interrupt_waiting() {
  a_.cmp(a_.field32(BACKPLANE_JIT_OFFSET(interrupt_waiting)), 0);
  return a_.jump_if_forward(5);
}

// In the middle of a block, where `jump` goes: all flags are in memory.
void Translator::interpret_instead(const Insn& i, u32 jump) {
  const int not_executed = block_->instructions - (current_index_ + 1);
  defer([this, jump, offset = i.offset, not_executed] {
    a_.bind(jump);
    if (options_.count_instructions && not_executed != 0)
      a_.add(a_.field32(BACKPLANE_JIT_OFFSET(budget)), not_executed);
    a_.mov(a_.r11d, offset);
    a_.jump(stubs_.interpret);
  });
}

void Translator::emit_cli() {
  flags_before_clobber();
  a_.and_(a_.field32(kRflags), ~static_cast<u32>(x86::kIF));
}

void Translator::emit_sti(const ScannedInsn& s) {
  flags_to_memory(kFlagsAll);
  flags_before_clobber();
  interpret_instead(s.insn, jump_if_interrupt_waiting());
  a_.or_(a_.field32(kRflags), static_cast<u32>(x86::kIF));
}

void Translator::emit_pushf(const ScannedInsn& s) {
  flags_to_memory(kFlagsAll);
  flags_before_clobber();
  pointers_.forget(kT2);
  a_.movzx(a_.r11d, a_.word[a_.rsp + BACKPLANE_JIT_OFFSET(saved_flags)]);
  a_.mov(a_.r14d, a_.r11d);
  a_.shr(a_.r14d, 8);
  a_.and_(a_.r14d, 0xd5);
  a_.and_(a_.r11d, 1);
  a_.shl(a_.r11d, 11);
  a_.or_(a_.r14d, a_.r11d);
  a_.mov(a_.r11d, a_.field32(kRflags));
  a_.and_(a_.r11d, static_cast<u32>(~(x86::kArithmeticFlags | x86::kRF | x86::kVM)));
  a_.or_(a_.r14d, a_.r11d);
  t2_taken_ = true;
  const RmOperand to = emit_stack_operand(s);
  t2_taken_ = false;
  a_.mov(a_.at(to, 8), a_.r14);
  a_.lea(a_.r15, a_.ptr[a_.r15 - 8]);
}

void Translator::emit_popf(const ScannedInsn& s) {
  const Insn& i = s.insn;
  flags_to_memory(kFlagsAll);
  flags_before_clobber();
  const RmOperand from = emit_stack_operand(s);
  pointers_.forget(kT2);
  a_.mov(a_.r14, a_.at(from, 8));
  a_.mov(a_.r11d, a_.field32(kRflags));
  a_.xor_(a_.r11d, a_.r14d);
  a_.test(a_.r11d, static_cast<u32>(~kSimpleFlags & 0x3f7fd5));
  const u32 unusual = a_.jump_if_forward(5);
  const u32 waiting = jump_if_interrupt_waiting();
  const u16 offset = i.offset;
  defer([this, unusual, waiting, offset] {
    a_.bind(unusual);
    a_.bind(waiting);
    a_.mov(a_.r11d, offset);
    a_.jump(stubs_.interpret);
  });
  a_.and_(a_.field32(kRflags), ~static_cast<u32>(x86::kIF));
  a_.mov(a_.r11d, a_.r14d);
  a_.and_(a_.r11d, static_cast<u32>(x86::kIF));
  a_.or_(a_.field32(kRflags), a_.r11d);
  // The form of LAHF and SETO.
  a_.mov(a_.r11d, a_.r14d);
  a_.shl(a_.r11d, 8);
  a_.and_(a_.r11d, 0xd500);
  a_.shr(a_.r14d, 11);
  a_.and_(a_.r14d, 1);
  a_.or_(a_.r11d, a_.r14d);
  a_.or_(a_.r11d, 0x200);
  a_.mov(a_.word[a_.rsp + BACKPLANE_JIT_OFFSET(saved_flags)], a_.r11w);
  a_.lea(a_.r15, a_.ptr[a_.r15 + 8]);
  flags_in_host_ = false;
  flags_in_memory_ = true;
  emit_jump(i64{i.offset} + i.length);
}

// STAC and CLAC: the code behind them uses another TLB.
void Translator::emit_access_control(const ScannedInsn& s) {
  const Insn& i = s.insn;
  flags_to_memory(s.flags_live_before);
  flags_before_clobber();
  if (i.row.op == Op::Stac)
    a_.or_(a_.field32(kRflags), static_cast<u32>(x86::kAC));
  else
    a_.and_(a_.field32(kRflags), ~static_cast<u32>(x86::kAC));
  emit_jump(i64{i.offset} + i.length);
}

void Translator::emit_swapgs() {
  constexpr int kKernelGsBase = static_cast<int>(offsetof(X86State, kernel_gs_base));
  pointers_.forget(kT0);
  a_.mov(a_.r10, segment_base(x86::GS));
  a_.mov(a_.r11, a_.field(kKernelGsBase));
  a_.mov(segment_base(x86::GS), a_.r11);
  a_.mov(a_.field(kKernelGsBase), a_.r10);
}

// A part of the state, of `size` bytes, into a general register, zero-extended. Leaves the flags
// alone.
void Translator::emit_read_state(u8 number, std::size_t place, unsigned size) {
  const u8 home = host_register(number);
  const u8 to = home == kSpilled ? kT1 : home;
  a_.load(to, RmOperand::at(kState, static_cast<i32>(place)), size);
  if (home == kSpilled) store_guest(number, to);
}

void Translator::emit_read_control(const Insn& i) {
  static constexpr std::size_t kPlaces[] = {offsetof(X86State, cr0), 0, offsetof(X86State, cr2),
                                            offsetof(X86State, cr3), offsetof(X86State, cr4)};
  emit_read_state(i.rm, kPlaces[i.reg], mode_.code64() ? 8 : 4);
}

void Translator::emit_read_selector(const Insn& i) {
  const std::size_t place = offsetof(X86State, seg) + i.reg * sizeof(x86::Segment);
  if (i.operand_size() != 2) return emit_read_state(i.rm, place, 2);
  // What is above 16 bits stays.
  const u8 home = host_register(i.rm);
  a_.movzx(a_.r11d, a_.word[a_.rsp + static_cast<int>(place)]);
  if (home == kSpilled)
    a_.mov(a_.field_of(i.rm, 2), a_.r11w);
  else
    a_.mov(Xbyak::Reg16(home), a_.r11w);
}

void Translator::emit_read_base(const Insn& i) {
  const std::size_t segment = (i.reg & 7) == 0 ? x86::FS : x86::GS;
  emit_read_state(
      i.rm, offsetof(X86State, seg) + segment * sizeof(x86::Segment) + offsetof(x86::Segment, base),
      i.w ? 8 : 4);
}

// What is not canonical faults. [SDM 2B "WRFSBASE/WRGSBASE-Write FS/GS Segment Base"]
void Translator::emit_write_base(const ScannedInsn& s) {
  const Insn& i = s.insn;
  const unsigned segment = (i.reg & 7) == 2 ? x86::FS : x86::GS;
  if (i.w) {
    flags_to_memory(kFlagsAll);
    flags_before_clobber();
  }
  move_guest(kT1, i.rm);
  if (i.w) {
    pointers_.forget(kT0);
    a_.mov(a_.r10, a_.r11);
    a_.shl(a_.r10, 16);
    a_.sar(a_.r10, 16);
    a_.cmp(a_.r10, a_.r11);
    interpret_instead(i, a_.jump_if_forward(5));
  } else {
    a_.mov(a_.r11d, a_.r11d);
  }
  a_.mov(segment_base(segment), a_.r11);
}

void Translator::emit_system(const Insn& i) {
  flags_to_memory(kFlagsAll);
  if (i.memory) {
    flags_before_clobber();
    emit_address(i, 1);
    a_.mov(a_.field(BACKPLANE_JIT_OFFSET(slow_linear)), a_.r10);
  }
  const SystemForm::Kind kind = system_kind(i.row.op);
  a_.mov(a_.r10d, SystemForm::make(i, kind));
  a_.mov(a_.r11d, i.offset);
  a_.jump(stubs_.system);
}

void Translator::emit_rdtsc(const ScannedInsn& s) {
  flags_to_memory(kFlagsAll);
  flags_before_clobber();
  const bool with_processor = s.insn.row.op == Op::Rdtscp;
  if (with_processor)
    a_.rdtscp();
  else
    a_.rdtsc();
  a_.shl(a_.rdx, 32);
  a_.or_(a_.rdx, a_.rax);
  // Past that the machine is asked, which may have to hold the counter back.
  a_.cmp(a_.rdx, a_.field(kTscValidUntil));
  interpret_instead(s.insn, a_.jump_if_forward(7));
  a_.add(a_.rdx, a_.field(kTscOffset));
  a_.mov(a_.eax, a_.edx);
  a_.shr(a_.rdx, 32);
  if (with_processor) a_.mov(a_.ecx, a_.field32(kTscAux));
}

}  // namespace backplane::tcg
