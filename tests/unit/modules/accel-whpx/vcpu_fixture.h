// SPDX-License-Identifier: MIT
// A vCPU of accel-whpx on the scripted platform, run on the test's own thread.
#pragma once

#include <memory>

#include "backplane/testing/test_machine.h"
#include "backplane/x86/apic.h"
#include "scripted.h"
#include "vcpu/vcpu.h"

namespace backplane::whpx::testing {

class ScriptedVcpu : public Scripted {
 protected:
  ScriptedVcpu() {
    machine.add_cpu(x86::create_cpu(machine, "max"));
    machine.power_on();
    vcpu = std::make_unique<WhpxVcpu>(*partition, cpu());
    vcpu->put_state();
    script.calls.clear();
  }
  void TearDown() override {
    vcpu.reset();
    partition.reset();
    Scripted::TearDown();
  }

  x86::X86Cpu& cpu() { return static_cast<x86::X86Cpu&>(*machine.cpus()[0]); }
  scripted_platform::Processor& processor() { return script.processors[0]; }
  WHV_REGISTER_VALUE& reg(WHV_REGISTER_NAME name) { return processor().registers[name]; }

  // An exit at kRip, of an instruction of two bytes, in protected mode with interrupts off.
  static constexpr u64 kRip = 0x1000;
  static WHV_RUN_VP_EXIT_CONTEXT exit_for(WHV_RUN_VP_EXIT_REASON reason) {
    WHV_RUN_VP_EXIT_CONTEXT exit{};
    exit.ExitReason = reason;
    exit.VpContext.Rip = kRip;
    exit.VpContext.InstructionLength = 2;
    exit.VpContext.ExecutionState.Cr0Pe = 1;
    exit.VpContext.Rflags = 2;
    return exit;
  }
  static WHV_RUN_VP_EXIT_CONTEXT with_interrupts(WHV_RUN_VP_EXIT_CONTEXT exit) {
    exit.VpContext.Rflags |= x86::kIF;
    return exit;
  }
  // Runs until these exits are over.
  Vcpu::Exit run(std::initializer_list<WHV_RUN_VP_EXIT_CONTEXT> exits) {
    processor().exits.assign(exits);
    processor().exits.push_back(exit_for(WHvRunVpExitReasonCanceled));
    return vcpu->run();
  }
  Vcpu::Exit run(WHV_RUN_VP_EXIT_REASON reason) { return run({exit_for(reason)}); }

  // What is on its way into the processor.
  WHV_X64_PENDING_INTERRUPTION_REGISTER pending() {
    return reg(WHvRegisterPendingInterruption).PendingInterruption;
  }
  u64 window() { return reg(WHvX64RegisterDeliverabilityNotifications).Reg64; }
  void enable_apic() { cpu().apic().write_page(x86::LocalApic::kSvr, 0x1ff); }
  void send(u8 vector) { x86::deliver_interrupt(machine, {.destination = 0, .vector = vector}); }

  backplane::testing::TestMachine machine;
  Dispatch dispatch{kLibraries};
  std::unique_ptr<Partition> partition = std::make_unique<Partition>(dispatch, PartitionOptions{});
  std::unique_ptr<WhpxVcpu> vcpu;
};

}  // namespace backplane::whpx::testing
