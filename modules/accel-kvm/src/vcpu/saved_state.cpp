// SPDX-License-Identifier: MIT
// A vCPU of a machine that is saved: what only the kernel knows of it becomes state of the CPU.
#include "backplane/x86/system.h"
#include "interrupts/local_apic.h"
#include "vcpu/msrs.h"
#include "vcpu/vcpu.h"

namespace backplane::kvm {

void KvmVcpu::settle() {
  if (!started_) return;
  if (kernel_apic()) {
    // To be asked for this has the kernel take an INIT or SIPI that waits, which changes all else.
    is_halted(fd_);
    registers_.exchange_page();
  }
  registers_.load();
  const bool delivered = deliver_what_is_under_way();
  cpu_.accelerator_msrs() = other_msrs(fd_, system_.msr_indices());
  if (!kernel_apic()) return;
  if (delivered) store_beside_local_apic();
  cpu_.set_halted(is_halted(fd_));
}

// What the kernel would push on the guest's stack at the next entry is pushed here, and true if
// there was something. Faults and software interrupts need none of that: RIP is still at the
// instruction, which raises them again. [api.rst "KVM_GET_VCPU_EVENTS"]
bool KvmVcpu::deliver_what_is_under_way() {
  kvm_vcpu_events& events = registers_.page(KVM_SYNC_X86_EVENTS).events;
  if (events.interrupt.injected == 0 && events.nmi.injected == 0 && events.nmi.pending == 0 &&
      events.exception.injected == 0)
    return false;
  const x86::Context context{cpu_, linear_};
  if (events.interrupt.injected != 0 && events.interrupt.soft == 0)
    deliver_event(context, x86::EventKind::External, events.interrupt.nr, state_.rip);
  else if (events.nmi.injected != 0)
    deliver_event(context, x86::EventKind::Nmi, x86::kNMI, state_.rip);
  else if (events.exception.injected != 0 && events.exception.nr == x86::kDB)
    deliver_event(context, x86::EventKind::Debug, x86::kDB, state_.rip);
  for (unsigned n = 0; n < events.nmi.pending; ++n) cpu_.raise_nmi();
  events.interrupt.injected = events.nmi.injected = events.exception.injected = 0;
  events.nmi.pending = 0;
  events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
  registers_.store();
  return true;
}

// Now, and not with the next KVM_RUN, before which the kernel's chips may send something. The
// registers have but the upper half of the task priority, which is the local APIC's.
void KvmVcpu::store_beside_local_apic() {
  kvm_lapic_state lapic{};
  fd_.call("cannot read the local APIC", KVM_GET_LAPIC, &lapic);
  registers_.exchange_page();
  fd_.call("cannot set the local APIC", KVM_SET_LAPIC, &lapic);
}

}  // namespace backplane::kvm
