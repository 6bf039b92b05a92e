// SPDX-License-Identifier: MIT
// What reaches a vCPU from outside of the kernel: everything, where the local APIC is ours; else
// what the 8259 pair and the NMI pin send. [Linux Documentation/virt/kvm/api.rst
// "KVM_SET_VCPU_EVENTS"]
#include <algorithm>

#include "backplane/machine.h"
#include "backplane/machine_lock.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/system.h"
#include "interrupts/local_apic.h"
#include "vcpu/vcpu.h"

namespace backplane::kvm {

// An interrupt goes in beside no other event: not all kernels look for one themselves.
bool KvmVcpu::interruptible() {
  if (run_->ready_for_interrupt_injection == 0) return false;
  if (!kernel_apic() && run_->if_flag == 0) return false;
  const kvm_vcpu_events& events = registers_.page(KVM_SYNC_X86_EVENTS).events;
  return events.interrupt.injected == 0 && events.nmi.injected == 0 &&
         events.exception.injected == 0;
}

void KvmVcpu::deliver_interrupts() {
  if (deliver_init_or_sipi()) return;
  if ((cpu_.interrupt_request() & x86::kRequestNmi) != 0) deliver_nmi();
  if ((cpu_.interrupt_request() & x86::kRequestHard) == 0) return;
  // What is read of a vCPU within an access is not what it goes on with.
  if (kernel_apic()) finish_access();
  if (!interruptible()) {
    run_->request_interrupt_window = 1;
    return;
  }
  int vector;
  {
    const MachineLock::Guard lock;
    vector = cpu_.acknowledge_interrupt();
  }
  if (vector < 0) return;
  cpu_.set_halted(false);
  inject(static_cast<u8>(vector));
  if ((cpu_.interrupt_request() & x86::kRequestHard) != 0) run_->request_interrupt_window = 1;
}

// True if there was one. The kernel's local APIC takes them itself.
bool KvmVcpu::deliver_init_or_sipi() {
  if ((cpu_.interrupt_request() & (x86::kRequestInit | x86::kRequestSipi)) == 0) return false;
  finish_access();
  registers_.load();
  x86::service_interrupts({cpu_, linear_});
  registers_.store();
  apic_into_page();
  return true;
}

void KvmVcpu::deliver_nmi() {
  u8 count = 0;
  {
    const MachineLock::Guard lock;
    while (cpu_.take_nmi()) ++count;
  }
  finish_access();
  if (kernel_apic()) {
    // It came by the pin.
    load_local_apic(fd_, cpu_);
    if (!cpu_.apic().lint1_delivers_nmi()) return;
    // The kernel may have one of its own by now.
    for (; count != 0; --count) fd_.call("cannot send an NMI", KVM_NMI);
    return;
  }
  cpu_.set_halted(false);
  kvm_vcpu_events& events = registers_.page(KVM_SYNC_X86_EVENTS).events;
  // Not all kernels keep to what can wait.
  const u8 most = events.nmi.masked != 0 ? 1 : 2;
  events.nmi.pending = std::min<u8>(events.nmi.pending + count, most);
  events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
  registers_.mark_changed(KVM_SYNC_X86_EVENTS);
}

// As an event that is under way, and not by KVM_INTERRUPT: what the kernel's local APIC was given
// so cannot be had back before it is delivered, and a machine that is saved then would lose it.
void KvmVcpu::inject(u8 vector) {
  auto& interrupt = registers_.page(KVM_SYNC_X86_EVENTS).events.interrupt;
  interrupt.injected = 1;
  interrupt.nr = vector;
  interrupt.soft = 0;
  registers_.mark_changed(KVM_SYNC_X86_EVENTS);
  // The kernel wakes a vCPU for what its own local APIC has, not for this.
  if (kernel_apic() && is_halted(fd_)) set_mp_state(fd_, KVM_MP_STATE_RUNNABLE);
}

// CR8, which the guest may have changed without an exit.
void KvmVcpu::take_task_priority() {
  x86::LocalApic& apic = cpu_.apic();
  if (run_->cr8 == apic.task_priority_class()) return;
  const MachineLock::Guard lock;
  apic.set_task_priority_class(static_cast<u8>(run_->cr8));
}

}  // namespace backplane::kvm
