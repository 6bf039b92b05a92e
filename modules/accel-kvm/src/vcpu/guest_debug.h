// SPDX-License-Identifier: MIT
// A debugger's wishes as KVM takes them: single steps, and the processor's four debug registers,
// which the guest does not have meanwhile. Nothing is written to its memory.
// [Linux Documentation/virt/kvm/api.rst "KVM_SET_GUEST_DEBUG"; SDM 3B "Debug Registers"]
#pragma once

#include <linux/kvm.h>

#include <vector>

#include "backplane/debug.h"
#include "backplane/x86/debug_registers.h"
#include "kernel/descriptor.h"

namespace backplane::kvm {

using x86::DebugRegisterUse;

// Of one vCPU.
class GuestDebug {
 public:
  // `blocks_interrupts`: the kernel can keep interrupts off in a step.
  explicit GuestDebug(bool blocks_interrupts) : blocks_interrupts_(blocks_interrupts) {}

  // On any thread while the vCPU is outside run().
  void set_points(const std::vector<DebugRegisterUse>& points);
  void set_step(DebugStep step);

  DebugStep step() const { return step_; }
  bool stepping() const { return step_ != DebugStep::None; }
  // Something is wanted that the kernel was not told yet; it has to know the registers first.
  bool changed() const { return changed_; }
  void tell_kernel(const Descriptor& vcpu);

  // What KVM_EXIT_DEBUG was for.
  DebugStop stop_for(const kvm_debug_exit_arch& exit) const;

 private:
  const bool blocks_interrupts_;
  DebugStep step_ = DebugStep::None;
  std::vector<DebugRegisterUse> points_;
  bool changed_ = false;
};

}  // namespace backplane::kvm
