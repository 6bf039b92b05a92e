// SPDX-License-Identifier: MIT
// The kernel's local APIC of one vCPU. [Linux Documentation/virt/kvm/api.rst "KVM_GET_LAPIC",
// "KVM_SET_MP_STATE"]
#pragma once

#include <linux/kvm.h>

#include "backplane/x86/cpu.h"
#include "backplane/x86/platform_interrupts.h"
#include "kernel/descriptor.h"
#include "vcpu/pause.h"

namespace backplane::kvm {

x86::ApicPage from_kernel(const kvm_lapic_state& state);
kvm_lapic_state to_kernel(const x86::ApicPage& page);

// `mp_state`: KVM_MP_STATE_*.
void set_mp_state(const Descriptor& vcpu, u32 mp_state);

// Brings the kernel's registers, and whether it waits for a start-up message, into the CPU.
// While the machine is stopped its timer is `paused`, whatever the kernel's has done since.
void load_local_apic(const Descriptor& vcpu, x86::X86Cpu& cpu,
                     const std::optional<PausedApicTimer::State>& paused = std::nullopt);
// Whether it waits for an interrupt in the kernel.
bool is_halted(const Descriptor& vcpu);
// And the CPU's into the kernel.
void store_local_apic(const Descriptor& vcpu, x86::X86Cpu& cpu);

}  // namespace backplane::kvm
