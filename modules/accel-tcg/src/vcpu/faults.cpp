// SPDX-License-Identifier: MIT
// Exceptions of translated code: from its accesses, and from the host processor.
#include <mutex>

#include "engine.h"
#include "runtime/native_faults.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {
namespace {

// The vCPU whose translated code runs on this thread, for the signal handler.
thread_local TcgVcpu* running_vcpu = nullptr;
thread_local Engine* running_engine = nullptr;

}  // namespace

void TcgVcpu::note_running() {
  running_vcpu = this;
  running_engine = &engine_;
}

// The page fault that the interpreter would raise for the access, if that is sure, without its
// looking at the instruction and throwing.
bool TcgVcpu::take_page_fault(u64 linear, u32 descriptor, Registers registers) {
  const auto first = AccessDescriptor::faulting(linear, descriptor);
  if (!first.sure) return false;
  const SoftMmu::Target t = mmu_.resolve(first.linear, first.write ? Access::Write : Access::Read,
                                         AccessDescriptor::mmu_index(descriptor));
  if (!t.faulted || !t.canonical) return false;
  if (registers == Registers::All) x87_pointers_to_state();
  {
    const Outside outside(*this);
    deliver_page_fault(first.linear, t.fault);
  }
  if (registers == Registers::All) x87_pointers_from_state();
  return true;
}

// The same for the first byte of an instruction.
bool TcgVcpu::take_fetch_fault() {
  if (!state_.code64()) return false;
  const SoftMmu::Target t = mmu_.resolve(state_.rip, Access::Execute, mmu_.current_index());
  if (!t.faulted || !t.canonical) return false;
  deliver_page_fault(state_.rip, t.fault);
  return true;
}

void TcgVcpu::deliver_page_fault(u64 linear, u32 error_code) {
  if (engine_.options.count_instructions) --jit_.budget;
  ++counters_.page_faults;
  ++kernel_entries_;
  x86::deliver_exception({cpu_, mmu_}, {x86::kPFVector, true, error_code, linear});
  if (state_.shutdown != 0) jit_.exit_request.store(1, std::memory_order_relaxed);
  mmu_.report_writes();
}

const u8* TcgVcpu::take_native_fault(const void* pc, u64 rflags, u32& offset) {
  if (running_engine == nullptr) return nullptr;
  CodeCache& cache = running_engine->cache;
  if (!cache.assembler().buffer().contains(pc)) return nullptr;
  const u32 at = cache.assembler().buffer().offset_of(pc);
  // The thread was in translated code, so it holds no lock of ours.
  const std::lock_guard guard(cache.lock());
  const Block* block = cache.block_at(at);
  const CodePoint* point = block != nullptr ? cache.point_at(*block, at) : nullptr;
  if (point == nullptr) return nullptr;
  offset = point->guest;
  running_vcpu->refund(*block, point->index + 1u);
  if (point->flags > CodePoint::kFlagsInHost) return cache.assembler().executable(point->flags);
  if (point->flags == CodePoint::kFlagsInHost)
    running_vcpu->jit_.saved_flags = flags_to_saved(rflags);
  return running_engine->stubs.native_fault;
}

}  // namespace backplane::tcg
