// SPDX-License-Identifier: MIT
// Running, and what an exit of KVM is as an exit of the platform. [Linux
// Documentation/virt/kvm/api.rst "The kvm_run structure"]
#include "processor.h"

#include <signal.h>
#include <sys/mman.h>

#include <cstring>
#include <optional>

#include "cpuid.h"
#include "interruptions.h"
#include "partition.h"

namespace kvm_platform {
namespace {

int cancel_signal() { return SIGRTMIN + 6; }

constexpr u64 kSynchronised = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
constexpr u64 kCr0Pe = 1, kCr0Am = 1u << 18, kEferLma = 1u << 10, kVm = 1u << 17;

thread_local Processor* last_on_this_thread = nullptr;

void unblock_cancel_signal() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(cancel_signal(), &action, nullptr);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, cancel_signal());
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

Processor::Processor(const Partition& partition, u32 index)
    : partition_(partition),
      run_size_(static_cast<std::size_t>(partition.device().call(KVM_GET_VCPU_MMAP_SIZE, 0L))),
      fd_(partition.vm().call(KVM_CREATE_VCPU, long{index})) {
  void* const page = mmap(nullptr, run_size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (page == MAP_FAILED) throw Failure("no page");
  run_ = static_cast<kvm_run*>(page);
  run_->kvm_valid_regs = kSynchronised;
  set_cpuid(fd_, partition, index);
  kvm_sync_regs& shared = run_->s.regs;
  fd_.call(KVM_GET_REGS, &shared.regs);
  fd_.call(KVM_GET_SREGS, &shared.sregs);
  fd_.call(KVM_GET_VCPU_EVENTS, &shared.events);
  mark_dirty(kSynchronised);
}

Processor::~Processor() {
  if (run_ != nullptr) munmap(run_, run_size_);
}

Processor* Processor::of_this_thread() { return last_on_this_thread; }

void Processor::cancel() {
  cancelled_.store(true);
  __atomic_store_n(&run_->immediate_exit, 1, __ATOMIC_SEQ_CST);
  if (has_thread_.load()) pthread_kill(thread_, cancel_signal());
}

void Processor::run(WHV_RUN_VP_EXIT_CONTEXT& exit) {
  if (!has_thread_.load() || !pthread_equal(thread_, pthread_self())) {
    unblock_cancel_signal();
    thread_ = pthread_self();
    has_thread_.store(true);
  }
  last_on_this_thread = this;
  unknown_instruction_ = false;
  exit = {};
  std::optional<Interruptions> interruptions;
  if (nmi_window_wanted_) interruptions.emplace(cancel_signal());
  for (;;) {
    __atomic_store_n(&run_->immediate_exit, 0, __ATOMIC_SEQ_CST);
    if (cancelled_.exchange(false)) {
      exit.ExitReason = WHvRunVpExitReasonCanceled;
      break;
    }
    if (window_is_open()) {
      run_->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
      describe(exit);
      break;
    }
    if (nmi_window_wanted_ && takes_nmis()) {
      nmi_window_wanted_ = false;
      exit.ExitReason = WHvRunVpExitReasonX64InterruptWindow;
      exit.InterruptWindow.DeliverableType = WHvX64PendingNmi;
      break;
    }
    enter();
    if (run_->exit_reason != KVM_EXIT_INTR && run_->exit_reason != KVM_EXIT_SET_TPR) {
      describe(exit);
      break;
    }
  }
  fill_context(exit.VpContext);
}

// KVM does not tell of the window while it waits in HLT.
bool Processor::window_is_open() const {
  return partition_.has_local_apics() && run_->request_interrupt_window != 0 &&
         run_->ready_for_interrupt_injection != 0;
}

bool Processor::takes_nmis() const {
  const kvm_vcpu_events& events = run_->s.regs.events;
  return events.nmi.masked == 0 && events.nmi.pending == 0 && events.nmi.injected == 0 &&
         events.interrupt.shadow == 0 && events.interrupt.injected == 0 &&
         events.exception.injected == 0;
}

// KVM tells of no #DB but by having the debug registers itself. They are those of the guest.
void Processor::choose_debug_exits() {
  const bool wanted = partition_.has_debug_exits();
  if (wanted == debug_exits_ && !(wanted && debug_registers_changed_)) return;
  kvm_guest_debug debug{};
  if (wanted) {
    kvm_debugregs registers{};
    fd_.call(KVM_GET_DEBUGREGS, &registers);
    debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
    for (unsigned n = 0; n < 4; ++n) debug.arch.debugreg[n] = registers.db[n];
    debug.arch.debugreg[7] = registers.dr7;
  }
  fd_.call(KVM_SET_GUEST_DEBUG, &debug);
  debug_exits_ = wanted;
  debug_registers_changed_ = false;
}

void Processor::enter() {
  choose_debug_exits();
  run_->cr8 = run_->s.regs.sregs.cr8;
  const int result = fd_.attempt(KVM_RUN, 0L);
  // What nobody sets stays KVM's: an INIT may come at any time.
  run_->s.regs.events.flags = 0;
  if (result >= 0) {
    run_->s.regs.sregs.cr8 = run_->cr8;
    return;
  }
  if (errno != EINTR && errno != EAGAIN) throw Failure("KVM_RUN");
  run_->exit_reason = KVM_EXIT_INTR;
}

void Processor::fill_context(WHV_VP_EXIT_CONTEXT& context) const {
  const kvm_sync_regs& shared = run_->s.regs;
  const kvm_sregs& s = shared.sregs;
  const bool real = (s.cr0 & kCr0Pe) == 0;
  context.ExecutionState.Cpl = real ? 0 : (shared.regs.rflags & kVm) != 0 ? 3 : s.ss.dpl & 3;
  context.ExecutionState.Cr0Pe = real ? 0 : 1;
  context.ExecutionState.Cr0Am = (s.cr0 & kCr0Am) != 0 ? 1 : 0;
  context.ExecutionState.EferLma = (s.efer & kEferLma) != 0 ? 1 : 0;
  context.ExecutionState.InterruptionPending =
      shared.events.interrupt.injected != 0 || shared.events.exception.injected != 0 ||
              shared.events.nmi.injected != 0 || shared.events.nmi.pending != 0
          ? 1
          : 0;
  context.ExecutionState.InterruptShadow = shared.events.interrupt.shadow != 0 ? 1 : 0;
  context.Cr8 = static_cast<u8>(run_->cr8) & 0xf;
  context.Rip = shared.regs.rip;
  context.Rflags = shared.regs.rflags;
}

void Processor::describe(WHV_RUN_VP_EXIT_CONTEXT& exit) {
  switch (run_->exit_reason) {
    case KVM_EXIT_IO:
      exit.ExitReason = WHvRunVpExitReasonX64IoPortAccess;
      exit.IoPortAccess.AccessInfo.IsWrite = run_->io.direction == KVM_EXIT_IO_OUT ? 1 : 0;
      exit.IoPortAccess.AccessInfo.AccessSize = run_->io.size & 7;
      exit.IoPortAccess.PortNumber = run_->io.port;
      return;
    case KVM_EXIT_MMIO:
      exit.ExitReason = WHvRunVpExitReasonMemoryAccess;
      exit.MemoryAccess.AccessInfo.AccessType =
          run_->mmio.is_write != 0 ? WHvMemoryAccessWrite : WHvMemoryAccessRead;
      exit.MemoryAccess.Gpa = run_->mmio.phys_addr;
      return;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
      return describe_msr(exit, run_->exit_reason == KVM_EXIT_X86_WRMSR);
    case KVM_EXIT_HLT:
      exit.ExitReason = WHvRunVpExitReasonX64Halt;
      return;
    case KVM_EXIT_IOAPIC_EOI:
      exit.ExitReason = WHvRunVpExitReasonX64ApicEoi;
      exit.ApicEoi.InterruptVector = run_->eoi.vector;
      return;
    case KVM_EXIT_IRQ_WINDOW_OPEN:
      run_->request_interrupt_window = 0;
      exit.ExitReason = WHvRunVpExitReasonX64InterruptWindow;
      return;
    case KVM_EXIT_DEBUG: {
      constexpr u8 kDebugVector = 1;
      kvm_debugregs registers{};
      fd_.call(KVM_GET_DEBUGREGS, &registers);
      registers.dr6 = run_->debug.arch.dr6;
      fd_.call(KVM_SET_DEBUGREGS, &registers);
      exit.ExitReason = WHvRunVpExitReasonException;
      exit.VpException.ExceptionType = kDebugVector;
      return;
    }
    case KVM_EXIT_SHUTDOWN:
      exit.ExitReason = WHvRunVpExitReasonUnrecoverableException;
      return;
    case KVM_EXIT_FAIL_ENTRY:
      exit.ExitReason = WHvRunVpExitReasonInvalidVpRegisterValue;
      return;
    case KVM_EXIT_INTERNAL_ERROR:
      if (run_->internal.suberror == KVM_INTERNAL_ERROR_EMULATION) {
        unknown_instruction_ = true;
        exit.ExitReason = WHvRunVpExitReasonMemoryAccess;
        exit.MemoryAccess.AccessInfo.AccessType = WHvMemoryAccessExecute;
        return;
      }
      [[fallthrough]];
    default:
      exit.ExitReason = WHvRunVpExitReasonUnsupportedFeature;
      exit.UnsupportedFeature.FeatureCode = run_->exit_reason;
      return;
  }
}

// KVM finishes the instruction; then registers are as they were before it. So the caller may do
// with them what it likes.
void Processor::describe_msr(WHV_RUN_VP_EXIT_CONTEXT& exit, bool write) {
  exit.ExitReason = WHvRunVpExitReasonX64MsrAccess;
  exit.MsrAccess.AccessInfo.IsWrite = write ? 1 : 0;
  exit.MsrAccess.MsrNumber = run_->msr.index;
  const kvm_regs before = run_->s.regs.regs;
  run_->msr.error = 0;
  run_->msr.data = 0;
  resume_access();
  exit.VpContext.InstructionLength = (run_->s.regs.regs.rip - before.rip) & 0xf;
  run_->s.regs.regs = before;
  mark_dirty(KVM_SYNC_X86_REGS | KVM_SYNC_X86_EVENTS);
  exit.MsrAccess.Rax = before.rax & 0xffffffff;
  exit.MsrAccess.Rdx = before.rdx & 0xffffffff;
}

bool Processor::resume_access() {
  __atomic_store_n(&run_->immediate_exit, 1, __ATOMIC_SEQ_CST);
  enter();
  return run_->exit_reason == KVM_EXIT_IO || run_->exit_reason == KVM_EXIT_MMIO;
}

void Processor::set_local_apic(const void* page) {
  constexpr std::size_t kTaskPriority = 0x80;
  fd_.call(KVM_SET_LAPIC, page);
  // CR8 is the same, and the page's would come after it.
  run_->s.regs.sregs.cr8 = static_cast<const u8*>(page)[kTaskPriority] >> 4;
}

bool Processor::translate(u64 gva, u64& gpa) const {
  kvm_translation translation{};
  translation.linear_address = gva;
  fd_.call(KVM_TRANSLATE, &translation);
  gpa = translation.physical_address;
  return translation.valid != 0;
}

}  // namespace kvm_platform
