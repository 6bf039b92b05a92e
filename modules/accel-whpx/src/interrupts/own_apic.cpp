// SPDX-License-Identifier: MIT
#include "interrupts/own_apic.h"

#include "backplane/machine_lock.h"
#include "backplane/x86/apic.h"

namespace backplane::whpx {

void OwnApicDelivery::take(const WHV_VP_EXIT_CONTEXT& exit) {
  InterruptDelivery::take(exit);
  interrupt_flag_ = (exit.Rflags & x86::kIF) != 0;
  shadow_ = exit.ExecutionState.InterruptShadow != 0;
  if (exit.Cr8 == task_priority_) return;
  // The guest changed it.
  task_priority_ = exit.Cr8;
  const MachineLock::Guard lock;
  cpu_.apic().set_task_priority_class(task_priority_);
}

void OwnApicDelivery::take(const x86::X86State& state) {
  interrupt_flag_ = (state.rflags & x86::kIF) != 0;
  shadow_ = state.interrupt_shadow != 0;
}

void OwnApicDelivery::prepare(RegisterBatch& entry) {
  const u32 requests = cpu_.interrupt_request();
  wanted_.AsUINT64 = 0;
  if ((requests & x86::kRequestNmi) != 0) prepare_nmi(entry);
  if ((requests & x86::kRequestHard) != 0) prepare_hard(entry);
  request(entry, wanted_);
  if (const u8 priority = cpu_.apic().task_priority_class(); priority != task_priority_) {
    task_priority_ = priority;
    entry.add(WHvX64RegisterCr8, priority);
  }
}

void OwnApicDelivery::prepare_nmi(RegisterBatch& entry) {
  const MachineLock::Guard lock;
  if (nmi_masked()) cpu_.merge_nmis();
  if (pending_ || shadow_ || nmi_masked() || !cpu_.take_nmi()) {
    wanted_.NmiNotification = 1;
    return;
  }
  cpu_.set_halted(false);
  inject(entry, WHvX64PendingNmi, x86::kNMI);
  if ((cpu_.interrupt_request() & x86::kRequestNmi) != 0) wanted_.NmiNotification = 1;
}

void OwnApicDelivery::prepare_hard(RegisterBatch& entry) {
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

void OwnApicDelivery::inject(RegisterBatch& entry, WHV_X64_PENDING_INTERRUPTION_TYPE type,
                             u8 vector) {
  WHV_X64_PENDING_INTERRUPTION_REGISTER& event =
      entry.add(WHvRegisterPendingInterruption).PendingInterruption;
  event.InterruptionPending = 1;
  event.InterruptionType = type & 7;
  event.InterruptionVector = vector;
  pending_ = true;
}

}  // namespace backplane::whpx
