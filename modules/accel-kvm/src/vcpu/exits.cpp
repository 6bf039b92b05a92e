// SPDX-License-Identifier: MIT
// Why KVM_RUN came back, and what is done about it. [Linux Documentation/virt/kvm/api.rst "The
// kvm_run structure"]
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/machine_lock.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/system.h"
#include "interrupts/local_apic.h"
#include "vcpu/msr_exit.h"
#include "vcpu/vcpu.h"

namespace backplane::kvm {

KvmVcpu::Next KvmVcpu::handle_exit() {
  access_pending_ = false;
  switch (run_->exit_reason) {
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_SET_TPR:
      return Next::Go;
    case KVM_EXIT_IO:
      ++counters_.ports;
      handle_port();
      access_pending_ = true;
      return Next::Go;
    case KVM_EXIT_MMIO:
      ++counters_.mmio;
      handle_mmio();
      access_pending_ = true;
      return Next::Go;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
      ++counters_.msrs;
      handle_msr();
      access_pending_ = true;
      return Next::Go;
    case KVM_EXIT_IOAPIC_EOI:
      handle_end_of_interrupt();
      return Next::Go;
    case KVM_EXIT_HLT:
      ++counters_.halts;
      return halt();
    case KVM_EXIT_DEBUG:
      debug_stop_ = debug_.stop_for(run_->debug.arch);
      return Next::Debug;
    case KVM_EXIT_SHUTDOWN:
      return triple_fault();
    case KVM_EXIT_INTERNAL_ERROR:
      if (run_->internal.suberror == KVM_INTERNAL_ERROR_EMULATION) return emulate();
      throw Error::of("KVM gave up with internal error {} at {:#x}", run_->internal.suberror,
                      registers_.page(KVM_SYNC_X86_REGS).regs.rip);
    case KVM_EXIT_FAIL_ENTRY:
      throw Error::of("KVM cannot enter the guest: hardware reason {:#x}",
                      u64{run_->fail_entry.hardware_entry_failure_reason});
    default:
      throw Error::of("KVM left the guest for reason {}, which is not handled", run_->exit_reason);
  }
}

KvmVcpu::Next KvmVcpu::stepped() {
  if (!debug_.stepping()) return Next::Go;
  debug_stop_ = {};
  return Next::Debug;
}

KvmVcpu::Next KvmVcpu::halt() {
  // has_work() looks at these.
  state_.nmi_blocked = registers_.page(KVM_SYNC_X86_EVENTS).events.nmi.masked;
  state_.rflags = run_->if_flag != 0 ? state_.rflags | x86::kIF : state_.rflags & ~x86::kIF;
  cpu_.set_halted(true);
  if (debug_.stepping()) return stepped();
  return cpu_.has_work() ? Next::Go : Next::Halted;
}

KvmVcpu::Next KvmVcpu::triple_fault() {
  get_state();
  log::print(LogCategory::Int, "triple fault\n{}", cpu_.describe_registers());
  state_.shutdown = 1;
  cpu_.set_halted(true);
  const MachineLock::Guard lock;
  cpu_.machine().run_control().request_reset(ShutdownCause::TripleFault);
  return Next::Stopped;
}

void KvmVcpu::handle_port() {
  AddressSpace& ports = cpu_.machine().io();
  u8* data = run_.port_data();
  for (u32 n = 0; n < run_->io.count; ++n, data += run_->io.size) {
    if (run_->io.direction == KVM_EXIT_IO_OUT)
      ports.write(run_->io.port, data, run_->io.size);
    else
      ports.read(run_->io.port, data, run_->io.size);
  }
}

void KvmVcpu::handle_mmio() {
  AddressSpace& memory = cpu_.machine().memory();
  if (run_->mmio.is_write != 0)
    memory.write(run_->mmio.phys_addr, run_->mmio.data, run_->mmio.len);
  else
    memory.read(run_->mmio.phys_addr, run_->mmio.data, run_->mmio.len);
}

void KvmVcpu::handle_msr() {
  answer_msr_exit(cpu_, linear_, *run_);
  // KVM shows in CPUID whether the local APIC is on.
  if (run_->exit_reason == KVM_EXIT_X86_WRMSR && run_->msr.index == kApicBaseMsr)
    write_msr(fd_, kApicBaseMsr, cpu_.apic().base());
}

void KvmVcpu::handle_end_of_interrupt() {
  const MachineLock::Guard lock;
  x86::ApicBus::of(cpu_.machine()).broadcast_eoi(run_->eoi.vector);
}

KvmVcpu::Next KvmVcpu::emulate() {
  ++counters_.emulated;
  // A KVM that gives up once will do so often.
  registers_.want_at_exits(kAllInPage);
  registers_.load();
  const x86::Interpreter::Step step = interpreter_.step_and_settle();
  registers_.store();
  if (!kernel_apic()) apic_into_page();
  switch (step) {
    case x86::Interpreter::Step::Done:
    case x86::Interpreter::Step::Exception:
      return stepped();
    case x86::Interpreter::Step::Halted:
      if (kernel_apic()) {
        set_mp_state(fd_, KVM_MP_STATE_HALTED);
        return stepped();
      }
      run_->if_flag = (state_.rflags & x86::kIF) != 0;
      return halt();
    case x86::Interpreter::Step::Shutdown:
      return Next::Stopped;
  }
  return Next::Go;
}

}  // namespace backplane::kvm
