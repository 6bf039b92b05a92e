// SPDX-License-Identifier: MIT
// What is done about each exit. [WHP "WHvRunVirtualProcessor", "WHvRunVp Exit Reason"]
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/machine_lock.h"
#include "backplane/x86/apic.h"
#include "interrupts/platform_apic.h"
#include "vcpu/cpuid.h"
#include "vcpu/vcpu.h"

namespace backplane::whpx {
namespace {

constexpr u32 kApicBaseMsr = 0x1b;  // [SDM 4 "Architectural MSRs": IA32_APIC_BASE]

}  // namespace

WhpxVcpu::Next WhpxVcpu::handle_exit() {
  switch (exit_.ExitReason) {
    case WHvRunVpExitReasonMemoryAccess:
      ++counters_.memory;
      return emulator_.complete_memory_access(exit_) ? emulated() : interpret();
    case WHvRunVpExitReasonX64IoPortAccess:
      ++counters_.ports;
      return emulator_.complete_port_access(exit_) ? emulated() : interpret();
    case WHvRunVpExitReasonX64InterruptWindow:
      delivery_->window_opened();
      return Next::Go;
    case WHvRunVpExitReasonX64Halt:
      ++counters_.halts;
      return halt();
    case WHvRunVpExitReasonX64ApicEoi: {
      const MachineLock::Guard lock;
      x86::ApicBus::of(cpu_.machine())
          .broadcast_eoi(static_cast<u8>(exit_.ApicEoi.InterruptVector));
      return Next::Go;
    }
    case WHvRunVpExitReasonX64ApicInitSipiTrap:
      send_startup(processor_.partition(), cpu_.machine(), cpu_.apic().id(),
                   exit_.ApicInitSipi.ApicIcr);
      return Next::Go;
    case WHvRunVpExitReasonX64MsrAccess:
      ++counters_.msrs;
      return handle_msr();
    case WHvRunVpExitReasonX64Cpuid:
      ++counters_.cpuid;
      return handle_cpuid();
    case WHvRunVpExitReasonException:
      return handle_exception();
    case WHvRunVpExitReasonCanceled:
      kicked_.store(false);
      return Next::Kicked;
    case WHvRunVpExitReasonUnrecoverableException:
      return give_up("an exception that the guest cannot recover from");
    case WHvRunVpExitReasonInvalidVpRegisterValue:
      return give_up("a register has a value that the platform refuses");
    case WHvRunVpExitReasonUnsupportedFeature:
      return give_up(fmt::format("the platform does not support feature {} ({:#x})",
                                 exit_.UnsupportedFeature.FeatureCode,
                                 exit_.UnsupportedFeature.FeatureParameter));
    default:
      return give_up(fmt::format("exit {:#x} is not one that was asked for",
                                 static_cast<u32>(exit_.ExitReason)));
  }
}

// The machine is stopped and can be looked at.
WhpxVcpu::Next WhpxVcpu::give_up(const std::string& what) {
  load();
  log::report(fmt::format("WHPX: cpu {} stops at {:#x}: {}\n{}", cpu_.index(), state_.rip, what,
                          cpu_.describe_registers()));
  return Next::Stopped;
}

void WhpxVcpu::complete(RegisterBatch& batch) const {
  batch.add(WHvX64RegisterRip, exit_.VpContext.Rip + exit_.VpContext.InstructionLength);
}

WhpxVcpu::Next WhpxVcpu::emulated() {
  if (emulator_.raised_event()) delivery_->event_was_set();
  return Next::Go;
}

// RIP is past HLT. (With its local APIC, the platform waits itself.)
WhpxVcpu::Next WhpxVcpu::halt() {
  if (platform_apic_) return Next::Go;
  // has_work() looks at these.
  state_.nmi_blocked = delivery_->nmi_masked() ? 1 : 0;
  cpu_.set_halted(true);
  return cpu_.has_work() ? Next::Go : Next::Halted;
}

WhpxVcpu::Next WhpxVcpu::handle_msr() {
  const WHV_X64_MSR_ACCESS_CONTEXT& access = exit_.MsrAccess;
  const x86::Context context{cpu_, linear_};
  try {
    if (access.AccessInfo.IsWrite != 0) {
      x86::write_msr(context, access.MsrNumber, access.Rdx << 32 | (access.Rax & 0xffffffff));
      // The platform shows in CPUID whether the local APIC is on.
      if (access.MsrNumber == kApicBaseMsr) entry_.add(WHvX64RegisterApicBase, cpu_.apic().base());
    } else {
      const u64 value = x86::read_msr(context, access.MsrNumber);
      entry_.add(WHvX64RegisterRax, value & 0xffffffff);
      entry_.add(WHvX64RegisterRdx, value >> 32);
    }
    complete(entry_);
  } catch (const x86::GuestException& e) {
    delivery_->inject_exception(entry_, e.vector, e.has_error_code, e.error_code);
  }
  return Next::Go;
}

WhpxVcpu::Next WhpxVcpu::handle_cpuid() {
  const WHV_X64_CPUID_ACCESS_CONTEXT& access = exit_.CpuidAccess;
  const x86::CpuidResult platform{
      static_cast<u32>(access.DefaultResultRax), static_cast<u32>(access.DefaultResultRbx),
      static_cast<u32>(access.DefaultResultRcx), static_cast<u32>(access.DefaultResultRdx)};
  const x86::CpuidResult result = guest_cpuid(
      cpu_, static_cast<u32>(access.Rax), static_cast<u32>(access.Rcx), platform, platform_apic_);
  entry_.add(WHvX64RegisterRax, result.eax);
  entry_.add(WHvX64RegisterRbx, result.ebx);
  entry_.add(WHvX64RegisterRcx, result.ecx);
  entry_.add(WHvX64RegisterRdx, result.edx);
  complete(entry_);
  return Next::Go;
}

// What no debugger asked for is the guest's.
WhpxVcpu::Next WhpxVcpu::handle_exception() {
  if (const std::optional<DebugStop> stop = stop_at_point()) {
    debug_stop_ = *stop;
    return Next::Debug;
  }
  const WHV_VP_EXCEPTION_CONTEXT& exception = exit_.VpException;
  delivery_->inject_exception(entry_, exception.ExceptionType,
                              exception.ExceptionInfo.ErrorCodeValid != 0, exception.ErrorCode);
  return Next::Go;
}

// The emulation library does not know the instruction; target-x86 does.
WhpxVcpu::Next WhpxVcpu::interpret() {
  ++counters_.emulated;
  load();
  const x86::Interpreter::Step step = interpreter_.step_and_settle();
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

}  // namespace backplane::whpx
