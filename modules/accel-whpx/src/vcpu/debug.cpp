// SPDX-License-Identifier: MIT
// A debugger's wishes: steps are made by the interpreter, and its points have the processor's debug
// registers, which the guest then lacks.
#include "backplane/x86/system.h"
#include "vcpu/vcpu.h"

namespace backplane::whpx {

void WhpxVcpu::set_debug_points(const std::vector<x86::DebugRegisterUse>& points) {
  if (points == points_) return;
  points_ = points;
  points_changed_ = true;
}

void WhpxVcpu::put_points_in_place() {
  load();
  points_in_place_ = !points_.empty();
  store();
  points_changed_ = false;
}

// DR6 stays the guest's: what the processor notes of a debugger's points goes to nobody else.
void WhpxVcpu::keep_debug_registers(RegisterBatch& batch) const {
  u64 control = 0;
  for (unsigned n = 0; n < points_.size(); ++n) {
    batch.add(static_cast<WHV_REGISTER_NAME>(WHvX64RegisterDr0 + n), points_[n].address);
    control |= x86::debug_control(points_[n], n);
  }
  batch.add(WHvX64RegisterDr7, control);
}

std::optional<DebugStop> WhpxVcpu::stop_at_point() {
  if (!points_in_place_ || exit_.VpException.ExceptionType != x86::kDB) return std::nullopt;
  const auto stop = x86::debug_stop_of(points_, processor_.get(WHvX64RegisterDr6).Reg64);
  if (stop) processor_.set(WHvX64RegisterDr6, state_.dr[6]);
  return stop;
}

WhpxVcpu::Next WhpxVcpu::step() {
  load();
  const Next next = execute_step();
  store();
  delivery_->drop(entry_);
  debug_stop_ = {};
  return next;
}

// What is under way comes first, as it would at the next entry.
WhpxVcpu::Next WhpxVcpu::execute_step() {
  if (deliver_what_is_under_way()) return Next::Debug;
  const bool takes_interrupts = step_ == DebugStep::WithInterrupt || cpu_.halted();
  const bool taken =
      cpu_.interrupt_request() != 0 && takes_interrupts && x86::service_interrupts({cpu_, linear_});
  cpu_.set_halted(false);
  if (taken) return Next::Debug;
  interpreter_.set_one_element(true);
  const x86::Interpreter::Step done = interpreter_.step_and_settle();
  interpreter_.set_one_element(false);
  if (done == x86::Interpreter::Step::Shutdown) return Next::Stopped;
  if (done == x86::Interpreter::Step::Halted) cpu_.set_halted(true);
  return Next::Debug;
}

}  // namespace backplane::whpx
