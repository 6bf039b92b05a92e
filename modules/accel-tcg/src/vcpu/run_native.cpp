// SPDX-License-Identifier: MIT
// Into the native tier, and by the translator past what it leaves out.
#include "engine.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {

void TcgVcpu::set_native(std::unique_ptr<NativeVcpu> native) {
  native_ = std::move(native);
  mmu_.tell_of_invalidations(&native_->invalidations);
}

bool TcgVcpu::run_native() {
  // A debugger is told of what the processor would do by itself.
  if (!engine_.stops.empty() || mmu_.watching()) return false;
  switch (enter_native()) {
    case NativeVcpu::Left::Interrupted:
      return true;
    case NativeVcpu::Left::Instruction:
      run_one_block();
      if (jit_.flags_stale != 0) settle_flags();
      return true;
    case NativeVcpu::Left::Page:
      return leave_page();
    case NativeVcpu::Left::Unfit:
      break;
  }
  return false;
}

NativeVcpu::Left TcgVcpu::enter_native() {
  const Inside inside(*this);
  return native_->run(jit_.exit_request);
}

void TcgVcpu::run_one_block() {
  jit_.exit_request.store(1, std::memory_order_relaxed);
  const u64 rip = state_.rip, count = state_.gpr[x86::RCX];
  const bool ran = !must_step() && (run_translated(true) || take_fetch_fault());
  // A repetition does nothing where it is to be left.
  if (!ran || (state_.rip == rip && state_.gpr[x86::RCX] == count)) step();
}

bool TcgVcpu::leave_page() {
  constexpr unsigned kMostBlocks = 100;
  const u64 page = state_.rip & kPageMask;
  unsigned blocks = 0;
  do {
    run_one_block();
    if (++blocks == kMostBlocks) return false;
  } while (state_.cpl() == 3 && (state_.rip & kPageMask) == page &&
           !kicked_.load(std::memory_order_relaxed) && cpu_.interrupt_request() == 0);
  if (jit_.flags_stale != 0) settle_flags();
  return true;
}

}  // namespace backplane::tcg
