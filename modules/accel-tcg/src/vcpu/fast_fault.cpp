// SPDX-License-Identifier: MIT
// Page faults of translated code, from the access to the first instruction of the guest's handler.
// Compiled without vector registers: translated code calls it with the guest's in place.
#include <mutex>

#include "backplane/log.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {
namespace {

// Tables, the TSS and the handler's stack, as an exception reaches them.
class KernelMemory final : public x86::PlainMemory {
 public:
  KernelMemory(SoftMmu& mmu, const X86State& state) : mmu_(mmu), state_(state) {}

  bool load(u64 linear, u64& value) override {
    if ((linear & ~kPageMask) + sizeof value > kPageSize) return false;
    const u8* const host = mmu_.read_pointer_fast(linear, kMmuKernel);
    if (host == nullptr) return false;
    __builtin_memcpy(&value, host, sizeof value);
    return true;
  }
  bool store(u64 linear, std::span<const u64> words) override {
    if ((linear & ~kPageMask) + words.size_bytes() > kPageSize) return false;
    const bool unchecked = (state_.cr4 & x86::kCr4SMAP) != 0 && (state_.rflags & x86::kAC) != 0;
    u8* const host = mmu_.write_pointer_fast(linear, unchecked ? kMmuKernelAc : kMmuKernel);
    if (host == nullptr) return false;
    for (std::size_t n = 0; n < words.size(); ++n)
      __builtin_memcpy(host + n * sizeof(u64), &words[n], sizeof(u64));
    return true;
  }

 private:
  SoftMmu& mmu_;
  const X86State& state_;
};

}  // namespace

// `return_pc`: host code behind the access's call. True: the handler goes on at JitState::resume.
bool TcgVcpu::fast_page_fault(u64 linear, u64 descriptor, const u8* return_pc) {
  const auto first = AccessDescriptor::faulting(linear, descriptor);
  if (!first.sure || engine_.options.count_instructions || tracing_ ||
      log::enabled(LogCategory::Int))
    return false;
  u32 fault = 0;
  if (mmu_.resolve_fast(first.linear, first.write, AccessDescriptor::mmu_index(descriptor),
                        &fault) != nullptr ||
      fault == 0)
    return false;
  {
    CodeCache& cache = engine_.cache;
    const std::lock_guard guard(cache.lock());
    const u32 at = cache.assembler().buffer().offset_of(return_pc) - 1;
    state_.rip = jit_.page_base + cache.point_at(*cache.block_at(at), at)->guest;
  }
  state_.rflags = (state_.rflags & ~x86::kArithmeticFlags) | flags_from_saved(jit_.saved_flags) | 2;
  KernelMemory memory(mmu_, state_);
  if (!x86::deliver_to_kernel64({cpu_, mmu_}, memory, x86::kPFVector, fault & ~SoftMmu::kIsFault))
    return false;
  state_.cr2 = first.linear;
  ++counters_.page_faults;
  ++kernel_entries_;
  load_flags(jit_, state_.rflags);
  jit_.resume = reinterpret_cast<const u8*>(fast_next());
  return true;
}

}  // namespace backplane::tcg
