// SPDX-License-Identifier: MIT
// In which mode the next instruction is, and so which blocks are its own.
#include "engine.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {

Mode TcgVcpu::current_mode() const {
  Mode mode;
  mode.bits = mmu_.current_index();
  if ((state_.cr0 & (x86::kCr0EM | x86::kCr0TS)) == 0) {
    mode.bits |= Mode::kX87;
    if ((state_.cr0 & x86::kCr0NE) == 0) mode.bits |= Mode::kFerr;
    if ((state_.cr4 & x86::kCr4OSFXSR) != 0) mode.bits |= Mode::kSse;
    if ((state_.cr4 & x86::kCr4OSXSAVE) != 0 && (state_.xcr0 & 6) == 6 && state_.protected_mode())
      mode.bits |= Mode::kAvx;
  }
  const unsigned cpl = state_.cpl();
  if (cpl == 0) mode.bits |= Mode::kRing0;
  if ((cpl == 0 || (state_.cr4 & x86::kCr4TSD) == 0) && !virtual_tsc_) mode.bits |= Mode::kTsc;
  if ((state_.cr4 & x86::kCr4SMAP) != 0) mode.bits |= Mode::kSmap;
  if ((state_.cr4 & x86::kCr4FSGSBASE) != 0) mode.bits |= Mode::kFsGsBase;
  const unsigned code_bits = state_.code_bits();
  if (code_bits != 64) add_legacy_mode(mode, code_bits);
  return mode;
}

void TcgVcpu::add_legacy_mode(Mode& mode, unsigned code_bits) const {
  mode.bits |= code_bits == 32 ? Mode::kCode32 : Mode::kCode16;
  const x86::Segment& code = state_.seg[x86::CS];
  if (code.base != 0 || code.limit != 0xffffffff) mode.bits |= Mode::kCodeBased;
  const bool small_stack = !state_.seg[x86::SS].big();
  if (small_stack) mode.bits |= Mode::kStack16;
  for (unsigned n = 0; n < 6; ++n) {
    const x86::Segment& s = state_.seg[n];
    // Rights count in protected mode. An expand-down segment's limit is the other way around.
    constexpr unsigned kWritable = 2, kExpandDown = 4;
    const bool usable = (state_.cr0 & x86::kCr0PE) == 0
                            ? (s.type() & (8 | kExpandDown)) != kExpandDown
                            : s.present() && !s.is_system() && !s.is_code() &&
                                  (s.type() & (kWritable | kExpandDown)) == kWritable;
    if (!usable || s.limit < 0xffff) continue;
    mode.set_segment(n, s.limit != 0xffffffff ? SegmentKind::Small
                        : s.base != 0         ? SegmentKind::Based
                                              : SegmentKind::Flat);
  }
  // 32-bit code on a 16-bit stack is too rare to be translated.
  if (code_bits == 32 && small_stack) mode.bits &= ~(u32{3} << (Mode::kSegmentShift + 2 * x86::SS));
}

// What depends on CS, and on the mode: a jump cache holds blocks of one.
void TcgVcpu::note_code_segment() {
  const unsigned code_bits = state_.code_bits();
  jit_.code_base = code_bits == 64 ? 0 : state_.seg[x86::CS].base;
  jit_.pointer_mask = code_bits == 64 ? ~u64{0} : code_bits == 32 ? 0xffffffff : 0xffff;
  const MmuIndex index = mmu_.current_index();
  const Control control{state_.cr0, state_.cr4, state_.efer, state_.xcr0};
  const JumpKey now{current_mode().bits, jit_.code_base};
  if (control != control_) {
    control_ = control;
    mmu_.switch_jumps(signature_[kMmuKernel], index == kMmuKernel ? now : JumpKey{});
    for (const MmuIndex other : {kMmuUser, kMmuKernelAc}) mmu_.forget_jumps(other);
    for (JumpKey& signature : signature_) signature = {};
    signature_[index] = now;
    note_for_twin(index, now);
    return;
  }
  if (now == signature_[index]) return;
  if (index == kMmuKernel)
    mmu_.switch_jumps(signature_[index], now);
  else if (signature_[index] != JumpKey{})
    mmu_.forget_jumps(index);
  signature_[index] = now;
  note_for_twin(index, now);
}

// STAC and CLAC lead to the kernel's other TLB without a look at the mode: what is known of code
// there has to be of the same one.
void TcgVcpu::note_for_twin(MmuIndex index, JumpKey now) {
  if (index == kMmuUser || (state_.cr4 & x86::kCr4SMAP) == 0) return;
  const MmuIndex twin = index == kMmuKernel ? kMmuKernelAc : kMmuKernel;
  now.mode ^= u32{index} ^ u32 { twin };  // its low bits are the TLB's index
  if (signature_[twin] == now) return;
  if (twin == kMmuKernel)
    mmu_.switch_jumps(signature_[twin], now);
  else
    mmu_.forget_jumps(twin);
  signature_[twin] = now;
}

u64 TcgVcpu::linear_of(u64 pointer) const {
  const u64 linear = pointer + jit_.code_base;
  return jit_.pointer_mask == ~u64{0} ? linear : linear & 0xffffffff;
}

// True if the next instruction is for the interpreter, whatever it is. Not for a shadow that holds
// interrupts back: translated code may go on, and the shadow is over where it is left
// (end_stale_shadow()), unless that is before its instruction, which run() interprets then.
bool TcgVcpu::must_step() const {
  const unsigned code_bits = state_.code_bits();
  // Within such limits every jump leads to an address that may be executed.
  if (code_bits != 64 && state_.seg[x86::CS].limit < (code_bits == 32 ? 0xffffffff : 0xffff))
    return true;
  // Where its limit lets 16-bit code go on behind 64 KiB, an instruction pointer has more bits than
  // translated code knows of.
  if (code_bits == 16 && state_.rip > 0xffff) return true;
  // The interpreter checks alignment.
  if ((state_.rflags & x86::kAC) != 0 && (state_.cr0 & x86::kCr0AM) != 0 && state_.cpl() == 3)
    return true;
  return (state_.rflags & x86::kTF) != 0 || state_.debug_traps != 0 || (state_.dr[7] & 0xff) != 0 ||
         // A block longer than what is left would not run: reach the end of it one by one.
         (engine_.options.count_instructions &&
          jit_.budget < static_cast<i32>(engine_.options.limits.instructions));
}

}  // namespace backplane::tcg
