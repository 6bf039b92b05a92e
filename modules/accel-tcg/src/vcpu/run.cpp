// SPDX-License-Identifier: MIT
// The loop: interrupts, a debugger, the budget; then translated code, until it leaves.
#include "engine.h"
#include "vcpu/vcpu.h"

namespace backplane::tcg {

Vcpu::Exit TcgVcpu::run() {
  note_running();
  const x86::Context context{cpu_, mmu_};
  for (;;) {
    jit_.exit_request.store(0, std::memory_order_relaxed);
    if (mmu_.was_hit()) [[unlikely]]
      return stop_for_debugger(*mmu_.take_watch_hit());
    if (kicked_.exchange(false, std::memory_order_acq_rel)) return Exit::Kicked;
    if (memory_changed_.exchange(false)) mmu_.flush(true);
    if (state_.shutdown != 0) return Exit::Stopped;
    if (native_ != nullptr && cpu_.interrupt_request() != 0 && state_.cpl() == 3)
      native_->note_interrupt(kernel_entries_);
    if (cpu_.interrupt_request() != 0 && state_.interrupt_shadow == 0 && takes_interrupts() &&
        x86::service_interrupts(context) && step_ != DebugStep::None)
      return stop_for_debugger({});
    jit_.interrupt_waiting = cpu_.interrupt_request() != 0 ? 1 : 0;
    if (cpu_.halted()) {
      if (!cpu_.has_work()) return Exit::Halted;
      if (state_.wait_for_sipi != 0) return Exit::Halted;
      cpu_.set_halted(false);
    }
    if (engine_.options.count_instructions && jit_.budget <= 0) return Exit::Slice;
    if (step_ != DebugStep::None) [[unlikely]] {
      step();
      return stop_for_debugger(mmu_.take_watch_hit().value_or(DebugStop{}));
    }
    if (at_stop()) [[unlikely]]
      return stop_for_debugger({DebugStop::Reason::Code, linear_instruction(), {}});
    if (must_step() || state_.interrupt_shadow != x86::kNoShadow) {
      step();
      continue;
    }
    if (wants_native() && state_.cpl() == 3 && run_native()) continue;
    if (run_translated()) {
      if (jit_.flags_stale != 0) settle_flags();
    } else if (!take_fetch_fault()) {
      step();
    }
  }
}

bool TcgVcpu::run_translated(bool one_block) {
  const Inside inside(*this);
  const u8* code = code_at_rip(one_block ? Entry::OneBlock : Entry::Remembered);
  if (code == nullptr) return false;
  flags_from_state();
  x87_pointers_from_state();
  ++counters_.entries;
  engine_.stubs.enter(&state_, code);
  x87_pointers_to_state();
  flags_to_state();
  end_stale_shadow();
  // Unless it left before that instruction, or between the elements of a repeated one.
  if (state_.rip == entered_.rip) state_.rflags |= entered_.resume_flag;
  return true;
}

void TcgVcpu::step() {
  const bool was_inside = inside();
  if (was_inside) x87_pointers_to_state();
  step_general();
  if (was_inside) x87_pointers_from_state();
}

void TcgVcpu::step_general() {
  const Outside outside(*this);
  end_stale_shadow();
  ++counters_.interpreted;
  if (engine_.options.count_instructions) --jit_.budget;
  switch (interpreter_.step()) {
    case x86::Interpreter::Step::Done:
    case x86::Interpreter::Step::Exception:
      break;
    case x86::Interpreter::Step::Halted:
      cpu_.set_halted(true);
      [[fallthrough]];
    case x86::Interpreter::Step::Shutdown:
      jit_.exit_request.store(1, std::memory_order_relaxed);
      break;
  }
  mmu_.report_writes();
  shadow_rip_ = state_.rip;
}

// After something that may have changed RIP, mode or interrupts: where to go on.
const u8* TcgVcpu::resume() {
  if (jit_.exit_request.load(std::memory_order_relaxed) != 0 || must_step() ||
      (cpu_.interrupt_request() != 0 && cpu_.has_work()) ||
      (engine_.options.count_instructions && jit_.budget <= 0)) {
    flags_from_state();
    return nullptr;
  }
  const u8* code = code_at_rip(Entry::Remembered);
  flags_from_state();
  return code;
}

const u8* TcgVcpu::resume_after_system() {
  flags_to_state();
  return resume();
}

const u8* TcgVcpu::interpret_at(u32 offset, Registers registers) {
  // Whether an x87 exception has ended is looked up in the state.
  if (registers == Registers::General && cpu_.ferr())
    return reinterpret_cast<const u8*>(Helpers::kRefusedGeneral);
  state_.rip = pointer_of(jit_.page_base + offset);
  flags_to_state();
  // step() charges the instruction by itself.
  if (engine_.options.count_instructions) ++jit_.budget;
  const bool in_kernel = state_.cpl() != 3;
  registers == Registers::General ? step_general() : step();
  if (in_kernel && state_.cpl() == 3) offer_to_native();
  return resume();
}

void TcgVcpu::refund(const Block& block, unsigned executed) {
  if (engine_.options.count_instructions)
    jit_.budget += static_cast<i32>(block.instructions - executed);
}

void TcgVcpu::flags_to_state() {
  state_.rflags = (state_.rflags & ~x86::kArithmeticFlags) | flags_from_saved(jit_.saved_flags) | 2;
}

void TcgVcpu::flags_from_state() { load_flags(jit_, state_.rflags); }

// Goes on until the flags that a block has left behind, as what follows overwrites them, are
// overwritten. Nothing on the way faults.
void TcgVcpu::settle_flags() {
  jit_.flags_stale = 0;
  // While a debugger stops somewhere, blocks leave none such.
  if (!engine_.stops.empty()) return;
  const MmuIndex index = mmu_.current_index();
  for (unsigned n = 0; n < GuestCode::kLookAhead; ++n) {
    note_code_segment();
    const u64 linear = linear_of(state_.rip);
    const u8* host_pc = mmu_.code_pointer(linear, index);
    if (host_pc == nullptr) return;
    const unsigned offset = static_cast<unsigned>(linear & ~kPageMask);
    const GuestBytes bytes{host_pc - offset, nullptr};
    const FeatureMask features = engine_.options.features;
    if (scan_.flags_wanted_at(bytes, offset, current_mode(), features) != 0) return;
    step();
  }
}

}  // namespace backplane::tcg
