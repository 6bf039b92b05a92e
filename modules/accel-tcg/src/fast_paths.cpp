// SPDX-License-Identifier: MIT
// Compiled without vector registers: translated code calls it with the guest's in place.
#include "vcpu.h"

namespace backplane::tcg {

const u8* TcgVcpu::fast_memory(TcgVcpu* vcpu, u64 linear, u64 descriptor) {
  const u64 size = descriptor & AccessDescriptor::kSizeMask;
  if ((linear & ~kPageMask) + size > kPageSize) return nullptr;
  return vcpu->mmu_.resolve_fast(linear, (descriptor & AccessDescriptor::kWrite) != 0,
                                 static_cast<MmuIndex>(descriptor >> AccessDescriptor::kMmuShift));
}

u64 TcgVcpu::fast_transfer(TcgVcpu* vcpu, u64 length, u64 offset) {
  X86State& s = vcpu->state_;
  JitState& jit = vcpu->jit_;
  if ((s.efer & x86::kEferSCE) == 0) return Helpers::kTransferRefused;
  const x86::Context context{vcpu->cpu_, vcpu->mmu_};
  if (length != 0) {
    s.rflags =
        (s.rflags & ~x86::kArithmeticFlags) | flags_from_saved(jit.saved_flags) | 2;
    s.rip = jit.page_base + offset;
    x86::syscall(context, s.rip + length);
  } else {
    const u64 to = s.gpr[x86::RCX];
    if (static_cast<u64>(static_cast<i64>(to << 16) >> 16) != to ||
        (s.gpr[x86::R11] & x86::kTF) != 0)
      return Helpers::kTransferRefused;
    x86::sysret(context, 8);
  }
  jit.saved_flags = flags_to_saved(s.rflags);
  if (jit.exit_request.load(std::memory_order_relaxed) != 0 || jit.interrupt_waiting != 0)
    return Helpers::kTransferDone;
  const unsigned slot = jump_cache_index(s.rip);
  const u64 generation = jit.jump_generation[vcpu->mmu_.current_index()];
  if (jit.jump_tags[slot] != (s.rip ^ generation)) return Helpers::kTransferDone;
  jit.page_base = s.rip & kPageMask;
  return jit.jump_near_codes[slot];
}

}  // namespace backplane::tcg
