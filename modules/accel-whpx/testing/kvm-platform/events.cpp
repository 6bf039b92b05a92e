// SPDX-License-Identifier: MIT
// Events on their way into the processor, in the page. [api.rst "KVM_SET_VCPU_EVENTS"]
#include "processor.h"

namespace kvm_platform {
namespace {

void get_pending(const kvm_vcpu_events& events, WHV_X64_PENDING_INTERRUPTION_REGISTER& event) {
  constexpr u8 kNmiVector = 2;
  event.InterruptionPending = 1;
  if (events.exception.injected != 0) {
    event.InterruptionType = WHvX64PendingException;
    event.InterruptionVector = events.exception.nr;
    event.DeliverErrorCode = events.exception.has_error_code;
    event.ErrorCode = events.exception.error_code;
  } else if (events.nmi.injected != 0 || events.nmi.pending != 0) {
    event.InterruptionType = WHvX64PendingNmi;
    event.InterruptionVector = kNmiVector;
  } else if (events.interrupt.injected != 0) {
    event.InterruptionType = WHvX64PendingInterrupt;
    event.InterruptionVector = events.interrupt.nr;
  } else {
    event.InterruptionPending = 0;
  }
}

}  // namespace

bool Processor::get_event(WHV_REGISTER_NAME name, WHV_REGISTER_VALUE& value) const {
  const kvm_vcpu_events& events = run_->s.regs.events;
  switch (name) {
    case WHvRegisterInterruptState:
      value.InterruptState.InterruptShadow = events.interrupt.shadow != 0 ? 1 : 0;
      value.InterruptState.NmiMasked = events.nmi.masked;
      return true;
    case WHvRegisterPendingInterruption:
      get_pending(events, value.PendingInterruption);
      return true;
    case WHvX64RegisterDeliverabilityNotifications:
      value.DeliverabilityNotifications.InterruptNotification = run_->request_interrupt_window;
      value.DeliverabilityNotifications.NmiNotification = nmi_window_wanted_ ? 1 : 0;
      return true;
    case WHvRegisterInternalActivityState: {
      kvm_mp_state state{};
      fd_.call(KVM_GET_MP_STATE, &state);
      value.InternalActivity.HaltSuspend = state.mp_state == KVM_MP_STATE_HALTED ? 1 : 0;
      value.InternalActivity.StartupSuspend = state.mp_state == KVM_MP_STATE_UNINITIALIZED ? 1 : 0;
      return true;
    }
    default:
      return false;
  }
}

bool Processor::set_event(WHV_REGISTER_NAME name, const WHV_REGISTER_VALUE& value) {
  kvm_vcpu_events& events = run_->s.regs.events;
  switch (name) {
    case WHvRegisterInterruptState:
      events.interrupt.shadow =
          value.InterruptState.InterruptShadow != 0 ? KVM_X86_SHADOW_INT_STI : 0;
      events.nmi.masked = value.InterruptState.NmiMasked;
      events.flags |= KVM_VCPUEVENT_VALID_SHADOW;
      break;
    case WHvRegisterPendingInterruption: {
      const WHV_X64_PENDING_INTERRUPTION_REGISTER& event = value.PendingInterruption;
      const bool pending = event.InterruptionPending != 0;
      const auto is = [&](u32 type) { return pending && event.InterruptionType == type; };
      events.interrupt.injected = is(WHvX64PendingInterrupt);
      events.interrupt.nr = static_cast<u8>(event.InterruptionVector);
      events.interrupt.soft = 0;
      events.nmi.pending = is(WHvX64PendingNmi);
      events.nmi.injected = 0;
      events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
      events.exception.injected = is(WHvX64PendingException);
      events.exception.nr = static_cast<u8>(event.InterruptionVector);
      events.exception.has_error_code = event.DeliverErrorCode;
      events.exception.error_code = event.ErrorCode;
      break;
    }
    case WHvX64RegisterDeliverabilityNotifications:
      run_->request_interrupt_window = value.DeliverabilityNotifications.InterruptNotification;
      nmi_window_wanted_ = value.DeliverabilityNotifications.NmiNotification != 0;
      return true;
    case WHvRegisterPendingEvent: {
      kvm_interrupt interrupt{};
      interrupt.irq = value.ExtIntEvent.Vector;
      return value.ExtIntEvent.EventType == WHvX64PendingEventExtInt &&
             fd_.attempt(KVM_INTERRUPT, &interrupt) >= 0;
    }
    case WHvRegisterInternalActivityState: {
      kvm_mp_state state{};
      state.mp_state = value.InternalActivity.StartupSuspend != 0 ? KVM_MP_STATE_UNINITIALIZED
                       : value.InternalActivity.HaltSuspend != 0  ? KVM_MP_STATE_HALTED
                                                                  : KVM_MP_STATE_RUNNABLE;
      fd_.call(KVM_SET_MP_STATE, &state);
      return true;
    }
    default:
      return false;
  }
  mark_dirty(KVM_SYNC_X86_EVENTS);
  return true;
}

}  // namespace kvm_platform
