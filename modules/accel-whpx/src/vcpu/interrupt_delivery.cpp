// SPDX-License-Identifier: MIT
#include "vcpu/interrupt_delivery.h"

#include "backplane/machine_lock.h"
#include "backplane/x86/apic.h"

namespace backplane::whpx {

void InterruptDelivery::take(const WHV_VP_EXIT_CONTEXT& exit) {
  interrupt_flag_ = (exit.Rflags & x86::kIF) != 0;
  shadow_ = exit.ExecutionState.InterruptShadow != 0;
  pending_ = exit.ExecutionState.InterruptionPending != 0;
  if (exit.Cr8 == task_priority_) return;
  // The guest changed it.
  task_priority_ = exit.Cr8;
  const MachineLock::Guard lock;
  cpu_.apic().set_task_priority_class(task_priority_);
}

void InterruptDelivery::take(const x86::X86State& state) {
  interrupt_flag_ = (state.rflags & x86::kIF) != 0;
  shadow_ = state.interrupt_shadow != 0;
}

void InterruptDelivery::prepare(RegisterBatch& entry) {
  const u32 request = cpu_.interrupt_request();
  wanted_.AsUINT64 = 0;
  if ((request & x86::kRequestNmi) != 0) prepare_nmi(entry);
  if ((request & x86::kRequestHard) != 0) prepare_hard(entry);
  if ((wanted_.AsUINT64 & ~window_.AsUINT64) != 0) {
    window_.AsUINT64 |= wanted_.AsUINT64;
    entry.add(WHvX64RegisterDeliverabilityNotifications, window_.AsUINT64);
  }
  if (const u8 priority = cpu_.apic().task_priority_class(); priority != task_priority_) {
    task_priority_ = priority;
    entry.add(WHvX64RegisterCr8, priority);
  }
}

void InterruptDelivery::prepare_nmi(RegisterBatch& entry) {
  if (pending_ || shadow_ || nmi_masked()) {
    wanted_.NmiNotification = 1;
    return;
  }
  cpu_.clear(x86::kRequestNmi);
  cpu_.set_halted(false);
  inject(entry, WHvX64PendingNmi, x86::kNMI);
}

void InterruptDelivery::prepare_hard(RegisterBatch& entry) {
  if (pending_ || shadow_ || !interrupt_flag_) {
    wanted_.InterruptNotification = 1;
    return;
  }
  int vector;
  {
    const MachineLock::Guard lock;
    vector = cpu_.acknowledge_interrupt();
  }
  if (vector < 0) return;
  cpu_.set_halted(false);
  inject(entry, WHvX64PendingInterrupt, static_cast<u8>(vector));
  if ((cpu_.interrupt_request() & x86::kRequestHard) != 0) wanted_.InterruptNotification = 1;
}

void InterruptDelivery::inject(RegisterBatch& entry, WHV_X64_PENDING_INTERRUPTION_TYPE type,
                               u8 vector) {
  WHV_X64_PENDING_INTERRUPTION_REGISTER& event =
      entry.add(WHvRegisterPendingInterruption).PendingInterruption;
  event.InterruptionPending = 1;
  event.InterruptionType = type & 7;
  event.InterruptionVector = vector;
  pending_ = true;
}

void InterruptDelivery::inject_exception(RegisterBatch& entry, u8 vector, bool has_error_code,
                                         u32 error_code) {
  WHV_X64_PENDING_INTERRUPTION_REGISTER& event =
      entry.add(WHvRegisterPendingInterruption).PendingInterruption;
  event.InterruptionPending = 1;
  event.InterruptionType = WHvX64PendingException;
  event.InterruptionVector = vector;
  event.DeliverErrorCode = has_error_code ? 1 : 0;
  event.ErrorCode = error_code;
  pending_ = true;
}

void InterruptDelivery::drop(RegisterBatch& entry) {
  entry.add(WHvRegisterPendingInterruption, 0);
  entry.add(WHvX64RegisterDeliverabilityNotifications, 0);
  pending_ = false;
  window_.AsUINT64 = 0;
}

bool InterruptDelivery::nmi_masked() const {
  return processor_.get(WHvRegisterInterruptState).InterruptState.NmiMasked != 0;
}

}  // namespace backplane::whpx
