// SPDX-License-Identifier: MIT
// What kernels execute at each system call, interrupt and switch of address spaces or tasks, and
// programs when they start. Compiled without vector registers: translated code calls it with the
// guest's in place.
#include "vcpu/vcpu.h"

namespace backplane::tcg {
namespace {

constexpr u64 kKeepPcid = u64{1} << 63;

bool canonical(u64 linear) {
  return static_cast<u64>(static_cast<i64>(linear << 16) >> 16) == linear;
}

u64 load_u64(const u8* from) {
  u64 value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace

u64 TcgVcpu::fast_system(TcgVcpu* vcpu, u64 form, u64 offset) {
  X86State& s = vcpu->state_;
  if (vcpu->mmu_.traced()) return Helpers::kSystemRefused;
  const u64 linear = vcpu->jit_.slow_linear;
  bool done = false;
  bool jumps = false;
  switch (form & SystemForm::kKindMask) {
    case SystemForm::kSyscall:
      done = (s.efer & x86::kEferSCE) != 0;
      jumps = true;
      if (done) vcpu->fast_syscall(form, offset);
      break;
    case SystemForm::kSysret:
      done = vcpu->fast_sysret();
      jumps = true;
      break;
    case SystemForm::kIret:
      done = vcpu->fast_iret();
      jumps = true;
      break;
    case SystemForm::kJumpFar:
      done = vcpu->fast_jump_far(linear);
      jumps = true;
      break;
    case SystemForm::kWriteCr0:
      done = vcpu->fast_write_cr0(
          s.gpr[form >> SystemForm::kRegisterShift & SystemForm::kRegisterMask]);
      break;
    case SystemForm::kWriteCr3:
      done = vcpu->fast_write_cr3(
          s.gpr[form >> SystemForm::kRegisterShift & SystemForm::kRegisterMask]);
      break;
    case SystemForm::kInvalidatePage:
      done = vcpu->fast_invalidate_page(linear);
      break;
    case SystemForm::kSave:
    case SystemForm::kSaveOptimized:
    case SystemForm::kSaveCompact:
      done = vcpu->fast_save_state(form, linear);
      break;
    case SystemForm::kRestore:
      done = vcpu->fast_restore_state(form, linear);
      break;
    case SystemForm::kLoadSegment:
      done = vcpu->fast_load_segment(form, linear);
      break;
    case SystemForm::kPopSegment:
      done = vcpu->fast_load_segment(form, linear);
      if (done) vcpu->drop_from_stack((form & SystemForm::kNarrow) != 0 ? 2 : 4);
      break;
    case SystemForm::kCpuid:
      done = vcpu->fast_cpuid();
      break;
    default:
      break;
  }
  if (!done) return Helpers::kSystemRefused;
  if (!jumps) s.rip = vcpu->pointer_of(vcpu->address_behind(form, offset));
  if ((form & SystemForm::kKindMask) == SystemForm::kLoadSegment &&
      (form >> SystemForm::kSegmentShift & SystemForm::kSegmentMask) == x86::SS)
    vcpu->shadow_rip_ = s.rip;
  else
    s.interrupt_shadow = x86::kNoShadow;
  return vcpu->fast_next();
}

// A linear address.
u64 TcgVcpu::address_behind(u64 form, u64 offset) const {
  return jit_.page_base + offset + (form >> SystemForm::kLengthShift & 0xff);
}

void TcgVcpu::fast_syscall(u64 form, u64 offset) {
  state_.rflags = (state_.rflags & ~x86::kArithmeticFlags) | flags_from_saved(jit_.saved_flags) | 2;
  ++kernel_entries_;
  x86::syscall({cpu_, mmu_}, address_behind(form, offset));
  load_flags(jit_, state_.rflags);
}

bool TcgVcpu::fast_sysret() {
  if ((state_.efer & x86::kEferSCE) == 0 || !canonical(state_.gpr[x86::RCX]) ||
      (state_.gpr[x86::R11] & (x86::kTF | x86::kAC)) != 0)
    return false;
  x86::sysret({cpu_, mmu_}, 8);
  load_flags(jit_, state_.rflags);
  offer_to_native();
  return true;
}

// What a selector names in the GDT; 0 if it is null. False if it names nothing there, or that is
// not in plain memory.
bool TcgVcpu::gdt_descriptor(u64 selector, u64& descriptor) {
  descriptor = 0;
  selector &= 0xffff;
  if (selector < 4) return true;
  const u64 at = state_.gdtr.base + (selector & ~u64{7});
  if ((selector & 4) != 0 || (selector | 7) > state_.gdtr.limit ||
      (at & ~kPageMask) + sizeof descriptor > kPageSize)
    return false;
  const u8* const host = mmu_.read_pointer_fast(at, kMmuKernel);
  if (host == nullptr) return false;
  descriptor = load_u64(host);
  return true;
}

bool TcgVcpu::fast_iret() {
  constexpr unsigned kWords = 5;
  const u64 rsp = state_.gpr[x86::RSP];
  if ((rsp & ~kPageMask) + kWords * sizeof(u64) > kPageSize) return false;
  const u8* const host = mmu_.read_pointer_fast(rsp, mmu_.current_index());
  if (host == nullptr) return false;
  u64 frame[kWords];
  for (unsigned n = 0; n < kWords; ++n) frame[n] = load_u64(host + n * sizeof(u64));
  // Users that have their accesses' alignment checked are interpreted.
  if ((frame[1] & 3) == 3 && (frame[2] & x86::kAC) != 0) return false;
  u64 code = 0, stack = 0;
  if (!gdt_descriptor(frame[1], code) || !gdt_descriptor(frame[4], stack) ||
      !x86::iret_to_code64({cpu_, mmu_}, frame, code, stack))
    return false;
  load_flags(jit_, state_.rflags);
  if (state_.cpl() == 3) offer_to_native();
  return true;
}

bool TcgVcpu::fast_jump_far(u64 pointer) {
  const u16 selector = static_cast<u16>(pointer >> 32);
  u64 descriptor = 0;
  if (state_.protected_mode() && !gdt_descriptor(selector, descriptor)) return false;
  return x86::far_jump_to_code(state_, selector, static_cast<u32>(pointer), descriptor);
}

// Of 16- or 32-bit code: into protected mode and out of it, as nothing is translated.
bool TcgVcpu::fast_write_cr0(u64 value) {
  const u64 changed = static_cast<u32>(state_.cr0 ^ value);
  if ((changed & ~x86::kCr0PE) != 0 || (state_.cr0 & x86::kCr0PG) != 0) return false;
  state_.cr0 ^= changed;
  return true;
}

bool TcgVcpu::fast_write_cr3(u64 value) {
  const bool pcids = (state_.cr4 & x86::kCr4PCIDE) != 0;
  const bool keep = pcids && (value & kKeepPcid) != 0;
  if (pcids) value &= ~kKeepPcid;
  if (value >> state_.physical_address_bits != 0) return false;
  state_.cr3 = value;
  if (pcids)
    mmu_.switch_space(value & SoftMmu::kPcidMask, keep);
  else
    mmu_.flush(false);
  return true;
}

bool TcgVcpu::fast_invalidate_page(u64 linear) {
  if (!canonical(linear)) return false;
  mmu_.flush_page(linear);
  return true;
}

bool TcgVcpu::fast_load_segment(u64 form, u64 value) {
  const u64 selector =
      (form & SystemForm::kWithValue) != 0
          ? value
          : state_.gpr[form >> SystemForm::kRegisterShift & SystemForm::kRegisterMask];
  const auto segment =
      static_cast<x86::SegReg>(form >> SystemForm::kSegmentShift & SystemForm::kSegmentMask);
  u64 descriptor = 0;
  if (state_.protected_mode() && !gdt_descriptor(selector, descriptor)) return false;
  if (!x86::load_data_segment64(state_, segment, static_cast<u16>(selector), descriptor))
    return false;
  if (segment == x86::SS) state_.interrupt_shadow = x86::kShadowSs;
  return true;
}

// Of 16- or 32-bit code.
void TcgVcpu::drop_from_stack(u64 bytes) {
  const u64 mask = state_.seg[x86::SS].big() ? 0xffffffff : 0xffff;
  u64& rsp = state_.gpr[x86::RSP];
  rsp = (rsp & ~mask) | ((rsp + bytes) & mask);
}

bool TcgVcpu::fast_cpuid() {
  const x86::CpuidResult* const result = fixed_leaves_.find(static_cast<u32>(state_.gpr[x86::RAX]),
                                                            static_cast<u32>(state_.gpr[x86::RCX]));
  if (result == nullptr) return false;
  state_.gpr[x86::RAX] = result->eax;
  state_.gpr[x86::RBX] = result->ebx;
  state_.gpr[x86::RCX] = result->ecx;
  state_.gpr[x86::RDX] = result->edx;
  return true;
}

// Where the state goes on, if that is known already: the jump cache and the table of blocks are
// good for the mode they were filled in.
u64 TcgVcpu::fast_next() {
  if (jit_.exit_request.load(std::memory_order_relaxed) != 0 || jit_.interrupt_waiting != 0)
    return Helpers::kSystemDone;
  const MmuIndex index = mmu_.current_index();
  if (!state_.code64()) {
    if (must_step()) return Helpers::kSystemDone;
    note_code_segment();
  } else if (!Mode{signature_[index].mode}.code64()) {
    return Helpers::kSystemDone;
  }
  const u64 linear = linear_of(state_.rip);
  u64 code = reinterpret_cast<u64>(remembered_code(linear, index));
  if (code != 0)
    jit_.page_base = linear & kPageMask;
  else
    code = reinterpret_cast<u64>(fast_lookup(this, linear, 0));
  if (code == 0) return Helpers::kSystemDone;
  // As where it is entered from outside.
  entered_ = {state_.rip, state_.rflags & x86::kRF};
  state_.rflags &= ~x86::kRF;
  return code;
}

}  // namespace backplane::tcg
