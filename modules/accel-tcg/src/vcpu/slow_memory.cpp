// SPDX-License-Identifier: MIT
// Accesses that the fast paths leave.
#include <cstring>
#include <mutex>

#include "engine.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {

u64 TcgVcpu::slow_memory(u64 linear, u32 descriptor, const u8* return_pc, const u8** resume_code,
                         Registers registers) {
  if (registers == Registers::General && cpu_.ferr()) {
    *resume_code = reinterpret_cast<const u8*>(Helpers::kRefusedGeneral);
    return 0;
  }
  ++counters_.slow_accesses;
  const unsigned size = descriptor & AccessDescriptor::kSizeMask;
  const bool write = (descriptor & AccessDescriptor::kWrite) != 0;
  const MmuIndex index = AccessDescriptor::mmu_index(descriptor);
  const bool crosses = (linear & ~kPageMask) + size > kPageSize;
  bool faults = crosses;  // perhaps
  if (!crosses) {
    const SoftMmu::Target t = mmu_.resolve(linear, write ? Access::Write : Access::Read, index);
    // Where no code is, another vCPU may make some before the write.
    if (t.host != nullptr && !t.watched &&
        !(t.has_code && (engine_.vcpus.size() > 1 || engine_.cache.has_code_locked(t.host, size))))
      return reinterpret_cast<u64>(t.host);
    faults = t.faulted;
  } else if (!write && !wraps(linear, size)) {
    const unsigned first = static_cast<unsigned>(kPageSize - (linear & ~kPageMask));
    const SoftMmu::Target low = mmu_.resolve(linear, Access::Read, index);
    const SoftMmu::Target high = mmu_.resolve(linear + first, Access::Read, index);
    if (low.host != nullptr && high.host != nullptr && !low.watched && !high.watched) {
      u8* bounce = jit_.bounce_for(linear);
      std::memcpy(bounce, low.host, first);
      std::memcpy(bounce + first, high.host, size - first);
      return reinterpret_cast<u64>(bounce);
    }
  }
  // Devices, faults, writes to code and across pages: the interpreter does this instruction.
  CodeCache& cache = engine_.cache;
  {
    const std::lock_guard guard(cache.lock());
    const u32 at = cache.assembler().buffer().offset_of(return_pc) - 1;
    const Block* block = cache.block_at(at);
    const CodePoint* point = cache.point_at(*block, at);
    state_.rip = pointer_of(jit_.page_base + point->guest);
    refund(*block, point->index);
  }
  flags_to_state();
  // The next time without the interpreter.
  if (crosses && write && splits_stores()) find_or_translate(linear_of(state_.rip), Mode::kSplit);
  if (!faults || !take_page_fault(linear, descriptor, registers))
    registers == Registers::General ? step_general() : step();
  *resume_code = resume();
  return 0;
}

}  // namespace backplane::tcg
