// SPDX-License-Identifier: MIT
// Where a debugger stops a vCPU.
#include "engine.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {

void TcgVcpu::watch(const std::vector<Watchpoint>& watched) {
  mmu_.watch(watched);
  choose_elements();
}

void TcgVcpu::set_step(DebugStep step) {
  step_ = step;
  choose_elements();
}

void TcgVcpu::choose_elements() {
  interpreter_.set_one_element(mmu_.watching() || step_ != DebugStep::None);
}

u64 TcgVcpu::linear_instruction() const {
  if (state_.code64()) return state_.rip;
  return static_cast<u32>(state_.seg[x86::CS].base + state_.rip);
}

// RF says that the instruction has begun before: a repetition that goes on, or one that faulted and
// is tried again. [SDM 3B "Instruction-Breakpoint Exception Condition"]
bool TcgVcpu::at_stop() const {
  return !engine_.stops.empty() && (state_.rflags & x86::kRF) == 0 &&
         engine_.stops.has(linear_instruction());
}

Vcpu::Exit TcgVcpu::stop_for_debugger(const DebugStop& stop) {
  debug_stop_ = stop;
  return Exit::Debug;
}

}  // namespace backplane::tcg
