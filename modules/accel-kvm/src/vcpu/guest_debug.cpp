// SPDX-License-Identifier: MIT
#include "vcpu/guest_debug.h"

namespace backplane::kvm {

void GuestDebug::set_points(const std::vector<DebugRegisterUse>& points) {
  if (points == points_) return;
  points_ = points;
  changed_ = true;
}

void GuestDebug::set_step(DebugStep step) {
  if (step == step_) return;
  step_ = step;
  changed_ = true;
}

void GuestDebug::tell_kernel(const Descriptor& vcpu) {
  kvm_guest_debug debug{};
  if (stepping()) {
    debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
    if (step_ == DebugStep::Instruction && blocks_interrupts_)
      debug.control |= KVM_GUESTDBG_BLOCKIRQ;
  }
  for (unsigned n = 0; n < points_.size(); ++n) {
    // A step meets no breakpoint.
    if (points_[n].code && stepping()) continue;
    debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
    debug.arch.debugreg[n] = points_[n].address;
    debug.arch.debugreg[7] |= x86::debug_control(points_[n], n);
  }
  vcpu.call("KVM cannot debug the guest", KVM_SET_GUEST_DEBUG, &debug);
  changed_ = false;
}

DebugStop GuestDebug::stop_for(const kvm_debug_exit_arch& exit) const {
  const std::optional<DebugStop> stop = x86::debug_stop_of(points_, exit.dr6);
  // A step meets no breakpoint.
  if (!stop || (stepping() && stop->reason == DebugStop::Reason::Code)) return {};
  return *stop;
}

}  // namespace backplane::kvm
