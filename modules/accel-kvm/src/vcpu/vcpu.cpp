// SPDX-License-Identifier: MIT
#include "vcpu/vcpu.h"

#include <signal.h>
#include <sys/mman.h>

#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/machine_lock.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/system.h"
#include "kernel/list.h"
#include "vcpu/apic_msrs.h"
#include "vcpu/cpuid.h"
#include "vcpu/state.h"

namespace backplane::kvm {
namespace {

// Interrupts KVM_RUN; its handler does nothing.
int kick_signal() { return SIGRTMIN + 4; }

constexpr u64 kSynchronised = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;

}  // namespace

KvmVcpu::KvmVcpu(const System& system, const Descriptor& vm, x86::X86Cpu& cpu)
    : cpu_(cpu),
      state_(cpu.state()),
      linear_(cpu.state(), cpu.machine().memory()),
      interpreter_(cpu, linear_),
      run_size_(system.run_size()),
      fd_(vm.call("cannot create a vCPU", KVM_CREATE_VCPU, long{cpu.index()})) {
  void* const page = mmap(nullptr, run_size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.fd(), 0);
  if (page == MAP_FAILED) throw Error::system("cannot map a vCPU's page", errno);
  run_ = static_cast<kvm_run*>(page);
  run_->kvm_valid_regs = kSynchronised;

  List<kvm_cpuid_entry2> cpuid(cpuid_entries(cpu, system));
  fd_.call("KVM refuses the CPU model's CPUID", kSetCpuid2, cpuid.get());
}

KvmVcpu::~KvmVcpu() {
  if (run_ != nullptr) munmap(run_, run_size_);
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
  store();
}

void KvmVcpu::kick() {
  kicked_.store(true, std::memory_order_release);
  // Either KVM_RUN sees this, or the signal ends it.
  __atomic_store_n(&run_->immediate_exit, 1, __ATOMIC_RELEASE);
  if (has_thread_.load(std::memory_order_acquire)) pthread_kill(thread_, kick_signal());
}

void KvmVcpu::get_state() {
  if (started_) load();
}

void KvmVcpu::put_state() { store(); }

void KvmVcpu::load() {
  from_kernel(run_->s.regs, state_);
  load_others(fd_, state_);
}

// The next KVM_RUN takes the registers over before it runs.
void KvmVcpu::store() {
  kvm_sync_regs& regs = run_->s.regs;
  if (!started_) regs = {};
  to_kernel(state_, regs);
  regs.sregs.apic_base = cpu_.apic().base();
  regs.sregs.cr8 = cpu_.apic().task_priority_class();
  run_->kvm_dirty_regs = kSynchronised;
  store_others(fd_, state_);
  if (!started_) store_tsc(fd_, cpu_.tsc());
  // Our local APIC's deadlines are of the guest's counter.
  state_.tsc_offset = tsc_offset(fd_);
  run_->cr8 = cpu_.apic().task_priority_class();
  run_->apic_base = cpu_.apic().base();
  run_->if_flag = (state_.rflags & x86::kIF) != 0;
  run_->ready_for_interrupt_injection = run_->if_flag && state_.interrupt_shadow == 0;
  started_ = true;
}

bool KvmVcpu::interruptible() const {
  return !injected_ && run_->ready_for_interrupt_injection != 0 && run_->if_flag != 0;
}

// [api.rst "KVM_INTERRUPT", "request_interrupt_window"]
void KvmVcpu::deliver_interrupts() {
  run_->request_interrupt_window = 0;
  const u32 request = cpu_.interrupt_request();
  if ((request & (x86::kRequestInit | x86::kRequestSipi)) != 0) {
    load();
    x86::service_interrupts({cpu_, linear_});
    store();
    return;
  }
  if ((request & x86::kRequestNmi) != 0) {
    cpu_.clear(x86::kRequestNmi);
    cpu_.set_halted(false);
    fd_.call("cannot inject an NMI", KVM_NMI);
  }
  if ((request & x86::kRequestHard) == 0) return;
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

void KvmVcpu::inject(u8 vector) {
  kvm_interrupt interrupt{};
  interrupt.irq = vector;
  fd_.call("cannot inject an interrupt", KVM_INTERRUPT, &interrupt);
  injected_ = true;
}

Vcpu::Exit KvmVcpu::run() {
  for (;;) {
    __atomic_store_n(&run_->immediate_exit, 0, __ATOMIC_RELEASE);
    if (kicked_.exchange(false, std::memory_order_acq_rel)) return Exit::Kicked;
    if (state_.shutdown != 0) return Exit::Stopped;
    if (cpu_.interrupt_request() != 0) deliver_interrupts();
    if (cpu_.halted()) {
      if (!cpu_.has_work()) return Exit::Halted;
      if (state_.wait_for_sipi != 0) return Exit::Halted;
      cpu_.set_halted(false);
    }
    run_->cr8 = cpu_.apic().task_priority_class();
    const int result = fd_.try_call(KVM_RUN);
    injected_ = false;
    ++counters_.exits;
    if (result == -EINTR || result == -EAGAIN) {
      run_->exit_reason = KVM_EXIT_INTR;
    } else if (result < 0) {
      throw Error::system("KVM cannot run the guest", -result);
    }
    take_task_priority();
    switch (handle_exit()) {
      case Next::Go:
        break;
      case Next::Halted:
        return Exit::Halted;
      case Next::Stopped:
        return Exit::Stopped;
    }
  }
}

// CR8, which the guest may have changed without an exit.
void KvmVcpu::take_task_priority() {
  x86::LocalApic& apic = cpu_.apic();
  if (run_->cr8 == apic.task_priority_class()) return;
  const MachineLock::Guard lock;
  apic.set_task_priority_class(static_cast<u8>(run_->cr8));
}

KvmVcpu::Next KvmVcpu::handle_exit() {
  switch (run_->exit_reason) {
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_SET_TPR:
      return Next::Go;
    case KVM_EXIT_IO:
      ++counters_.ports;
      handle_port();
      return Next::Go;
    case KVM_EXIT_MMIO:
      ++counters_.mmio;
      handle_mmio();
      return Next::Go;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
      ++counters_.msrs;
      handle_msr(run_->exit_reason == KVM_EXIT_X86_WRMSR);
      return Next::Go;
    case KVM_EXIT_HLT:
      ++counters_.halts;
      return halt();
    case KVM_EXIT_SHUTDOWN: {
      load();
      log::print(LogCategory::Int, "triple fault\n{}", cpu_.describe_registers());
      state_.shutdown = 1;
      cpu_.set_halted(true);
      const MachineLock::Guard lock;
      cpu_.machine().request_reset(ShutdownCause::Guest);
      return Next::Stopped;
    }
    case KVM_EXIT_INTERNAL_ERROR:
      if (run_->internal.suberror == KVM_INTERNAL_ERROR_EMULATION) return emulate();
      throw Error::of("KVM gave up with internal error {} at {:#x}", run_->internal.suberror,
                      run_->s.regs.regs.rip);
    case KVM_EXIT_FAIL_ENTRY:
      throw Error::of("KVM cannot enter the guest: hardware reason {:#x}",
                      u64{run_->fail_entry.hardware_entry_failure_reason});
    default:
      throw Error::of("KVM left the guest for reason {}, which is not handled", run_->exit_reason);
  }
}

KvmVcpu::Next KvmVcpu::halt() {
  // has_work() looks at the flag.
  state_.rflags = run_->s.regs.regs.rflags;
  cpu_.set_halted(true);
  return cpu_.has_work() ? Next::Go : Next::Halted;
}

void KvmVcpu::handle_port() {
  AddressSpace& ports = cpu_.machine().io();
  u8* data = reinterpret_cast<u8*>(run_) + run_->io.data_offset;
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

void KvmVcpu::handle_msr(bool write) {
  const x86::Context context{cpu_, linear_};
  run_->msr.error = 0;
  try {
    if (write)
      x86::write_msr(context, run_->msr.index, run_->msr.data);
    else
      run_->msr.data = x86::read_msr(context, run_->msr.index);
    if (write && run_->msr.index == kApicBaseMsr) {
      // KVM shows in CPUID whether the local APIC is on.
      run_->s.regs.sregs.apic_base = cpu_.apic().base();
      run_->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
    }
  } catch (const x86::GuestException&) {
    run_->msr.error = 1;
  }
}

KvmVcpu::Next KvmVcpu::emulate() {
  ++counters_.emulated;
  load();
  const x86::Interpreter::Step step = interpreter_.step();
  store();
  switch (step) {
    case x86::Interpreter::Step::Done:
    case x86::Interpreter::Step::Exception:
      return Next::Go;
    case x86::Interpreter::Step::Halted:
      return halt();
    case x86::Interpreter::Step::Shutdown:
      return Next::Stopped;
  }
  return Next::Go;
}

}  // namespace backplane::kvm
