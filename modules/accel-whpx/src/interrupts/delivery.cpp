// SPDX-License-Identifier: MIT
#include "interrupts/delivery.h"

namespace backplane::whpx {

void InterruptDelivery::take(const WHV_VP_EXIT_CONTEXT& exit) {
  pending_ = exit.ExecutionState.InterruptionPending != 0;
}

void InterruptDelivery::request(RegisterBatch& entry,
                                WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER wanted) {
  if ((wanted.AsUINT64 & ~window_.AsUINT64) == 0) return;
  window_.AsUINT64 |= wanted.AsUINT64;
  entry.add(WHvX64RegisterDeliverabilityNotifications, window_.AsUINT64);
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
