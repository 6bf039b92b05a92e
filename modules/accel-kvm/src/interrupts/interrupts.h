// SPDX-License-Identifier: MIT
// The kernel's interrupt controllers of a machine: those that "kernel-irqchip" asks for.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backplane/accelerator.h"
#include "backplane/x86/platform_interrupts.h"
#include "interrupts/chipset.h"
#include "interrupts/gsi_routing.h"
#include "interrupts/irqchip_mode.h"
#include "kernel/system.h"

namespace backplane::kvm {

// Machine lock.
class KernelInterrupts {
 public:
  // Before the first vCPU; `mode` is not Off. Throws Error if this host's KVM lacks them.
  KernelInterrupts(const Descriptor& vm, const System& system, IrqchipMode mode);

  void deliver(const x86::InterruptMessage& message) const;
  // The emulated I/O APIC's messages, so that the kernel reports the end of level-triggered ones.
  void set_ioapic_messages(std::span<const x86::PlatformInterrupts::IoApicMessage> messages);
  // Null if there is no room for another.
  std::unique_ptr<MessageSignal> create_message_signal();
  KernelChipset* chipset() { return chipset_ ? &*chipset_ : nullptr; }

 private:
  const Descriptor& vm_;
  GsiRouting routing_;
  std::optional<KernelChipset> chipset_;
  std::vector<x86::PlatformInterrupts::IoApicMessage> ioapic_messages_;
};

}  // namespace backplane::kvm
