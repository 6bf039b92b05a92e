// SPDX-License-Identifier: MIT
#include "vcpu/vcpu.h"

#include <signal.h>

#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/system.h"
#include "interrupts/local_apic.h"
#include "vcpu/cpuid.h"
#include "vcpu/cpuid_report.h"
#include "vcpu/paravirtual.h"
#include "vcpu/state.h"

namespace backplane::kvm {
namespace {

// Interrupts KVM_RUN; its handler does nothing.
int kick_signal() { return SIGRTMIN + 4; }

}  // namespace

KvmVcpu::KvmVcpu(const System& system, const Descriptor& vm, x86::X86Cpu& cpu, VcpuOptions options)
    : system_(system),
      cpu_(cpu),
      state_(cpu.state()),
      irqchip_(options.irqchip),
      linear_(cpu.state(), cpu.machine().memory()),
      interpreter_(cpu, linear_),
      fd_(vm.call("cannot create a vCPU", KVM_CREATE_VCPU, long{cpu.apic().id()})),
      run_(fd_, system.run_size()),
      registers_(fd_, *run_, cpu.state()),
      debug_((system.capability(KVM_CAP_SET_GUEST_DEBUG2) & KVM_GUESTDBG_BLOCKIRQ) != 0) {
  set_cpuid(fd_, cpu, system, {options.paravirtual, kernel_apic()});
  const std::vector<x86::CpuidDifference> differences = cpuid_differences(fd_, cpu);
  cpu.note_shown(differences);
  if (cpu.index() == 0) report_differences(cpu, differences);
  // Interrupts are injected through the events.
  if (!kernel_apic()) registers_.want_at_exits(KVM_SYNC_X86_EVENTS);
}

void KvmVcpu::thread_started() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(kick_signal(), &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, kick_signal());
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  thread_ = pthread_self();
  has_thread_.store(true, std::memory_order_release);
  put_state();
}

void KvmVcpu::kick() {
  kicked_.store(true, std::memory_order_release);
  // Either KVM_RUN sees this, or the signal ends it.
  __atomic_store_n(&run_->immediate_exit, 1, __ATOMIC_RELEASE);
  if (has_thread_.load(std::memory_order_acquire)) pthread_kill(thread_, kick_signal());
}

void KvmVcpu::get_state() {
  if (!started_) return;
  registers_.load();
  if (kernel_apic()) load_local_apic(fd_, cpu_, paused_timer_.state());
  state_.tsc_offset = tsc_offset(fd_);
}

void KvmVcpu::put_state() {
  // Those that waited in a saved CPU: the kernel's local APIC hears of none but its own.
  constexpr u32 kStart = x86::kRequestInit | x86::kRequestSipi;
  if (kernel_apic() && (cpu_.interrupt_request() & kStart) != 0)
    x86::service_interrupts({cpu_, linear_});
  run_->s.regs = {};
  registers_.store_all();
  // No NMI and no INIT is on its way.
  run_->s.regs.events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SMM;
  forget_guest_pages(fd_);
  if (!cpu_.accelerator_msrs().empty())
    store_other_msrs(fd_, system_.msr_indices(), cpu_.accelerator_msrs());
  apic_into_page();
  if (kernel_apic()) {
    // Of one that waits for its start-up the kernel would take them only after it.
    set_mp_state(fd_, KVM_MP_STATE_RUNNABLE);
    registers_.exchange_page();
    store_local_apic(fd_, cpu_);
    const MachineLock::Guard lock;
    pass_on_accepted_nmis();
    // Now, and not with the next KVM_RUN: what the kernel's chips send until then would be lost. It
    // also tells whether an interrupt can go in; a vCPU that has halted would not come out for it.
    registers_.exchange_page();
    paused_timer_.set_state({cpu_.apic().page(), cpu_.apic().tsc_deadline()});
    // It waits for interrupts and start-up messages in the kernel, not here.
    cpu_.set_halted(false);
  }
  if (!started_) write_msr(fd_, kTscMsr, cpu_.tsc());
  if (const std::optional<u64> tsc = cpu_.take_loaded_tsc()) paused_tsc_.set_value(*tsc);
  // Our local APIC's deadlines are of the guest's counter.
  state_.tsc_offset = tsc_offset(fd_);
  if (!kernel_apic()) {
    run_->if_flag = (state_.rflags & x86::kIF) != 0;
    run_->ready_for_interrupt_injection = run_->if_flag != 0 && state_.interrupt_shadow == 0;
  }
  started_ = true;
}

void KvmVcpu::paused() {
  if (!started_) return;
  tell_of_pause(fd_);
  paused_tsc_.stopped(fd_);
  if (kernel_apic()) paused_timer_.stopped(fd_);
}

void KvmVcpu::resume(u64 host_ticks) {
  if (!started_) return;
  paused_tsc_.started(fd_, host_ticks);
  paused_timer_.started(fd_);
  if (kernel_apic()) cpu_.set_halted(false);
  state_.tsc_offset = tsc_offset(fd_);
}

// Those that a saved CPU's local APIC had accepted: what comes by the pin still has LINT1 to pass.
void KvmVcpu::pass_on_accepted_nmis() {
  kvm_vcpu_events& events = registers_.page(KVM_SYNC_X86_EVENTS).events;
  events.nmi.pending = 0;
  while (cpu_.take_nmi()) ++events.nmi.pending;
  events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
  registers_.mark_changed(KVM_SYNC_X86_EVENTS);
}

// What the kernel shows the guest of a local APIC that is not its own.
void KvmVcpu::apic_into_page() {
  run_->s.regs.sregs.apic_base = cpu_.apic().base();
  run_->s.regs.sregs.cr8 = run_->cr8 = cpu_.apic().task_priority_class();
}

Vcpu::Exit KvmVcpu::run() {
  for (;;) {
    if (state_.shutdown != 0) return Exit::Stopped;
    // What it was asked for may be withdrawn.
    run_->request_interrupt_window = 0;
    if (debug_.changed()) {
      finish_access();
      registers_.exchange_page();
      debug_.tell_kernel(fd_);
    }
    // A step comes before interrupts that wait.
    if (cpu_.interrupt_request() != 0 && (debug_.step() != DebugStep::Instruction || cpu_.halted()))
      deliver_interrupts();
    if (cpu_.halted()) {
      if (!cpu_.has_work() || state_.wait_for_sipi != 0) return Exit::Halted;
      cpu_.set_halted(false);
    }
    // A kick from here on ends KVM_RUN.
    __atomic_store_n(&run_->immediate_exit, 0, __ATOMIC_RELEASE);
    if (kicked_.exchange(false, std::memory_order_acq_rel)) {
      // With it ends the instruction, which may be what was stepped.
      return finish_access() == Next::Debug ? Exit::Debug : Exit::Kicked;
    }
    enter();
    switch (handle_exit()) {
      case Next::Go:
        break;
      case Next::Halted:
        return Exit::Halted;
      case Next::Stopped:
        return Exit::Stopped;
      case Next::Debug:
        return Exit::Debug;
    }
  }
}

void KvmVcpu::enter() {
  if (!kernel_apic()) run_->cr8 = cpu_.apic().task_priority_class();
  registers_.before_run();
  const int result = fd_.try_call(KVM_RUN);
  registers_.after_run();
  ++counters_.exits;
  if (result == -EINTR || result == -EAGAIN) {
    run_->exit_reason = KVM_EXIT_INTR;
  } else if (result < 0) {
    throw Error::system("KVM cannot run the guest", -result);
  }
  if (!kernel_apic()) take_task_priority();
}

// Registers that are put in before that are not those that the guest goes on with. An access may be
// made in several parts, each an exit. [api.rst "KVM_EXIT_IO": completion]
// Leaves kvm_run::immediate_exit set.
KvmVcpu::Next KvmVcpu::finish_access() {
  Next next = Next::Go;
  while (access_pending_) {
    __atomic_store_n(&run_->immediate_exit, 1, __ATOMIC_RELEASE);
    enter();
    next = handle_exit();
  }
  return next;
}

}  // namespace backplane::kvm
