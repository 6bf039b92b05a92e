// SPDX-License-Identifier: MIT
// Interrupts, kicks, and state on its way in and out.
#include <thread>

#include "backplane/error.h"
#include "vcpu_fixture.h"

namespace backplane::whpx::testing {
namespace {

class WhpxDelivery : public ScriptedVcpu {
 protected:
  WHV_RUN_VP_EXIT_CONTEXT closed = exit_for(WHvRunVpExitReasonX64InterruptWindow);
  WHV_RUN_VP_EXIT_CONTEXT open = with_interrupts(closed);
};

TEST_F(WhpxDelivery, AllSegmentsArePushedAtReset) {
  EXPECT_EQ(reg(WHvX64RegisterCs).Segment.Base, 0xffff0000U);
  EXPECT_EQ(reg(WHvX64RegisterRip).Reg64, 0xfff0U);
  for (u32 name = WHvX64RegisterEs; name <= WHvX64RegisterTr; ++name)
    EXPECT_EQ(processor().registers[name].Segment.Limit, 0xffffU) << name;
}

TEST_F(WhpxDelivery, AnInterruptGoesInWhenItCan) {
  enable_apic();
  send(0x41);
  run({open});
  EXPECT_EQ(pending().InterruptionPending, 1U);
  EXPECT_EQ(pending().InterruptionType, WHvX64PendingInterrupt);
  EXPECT_EQ(pending().InterruptionVector, 0x41U);
  EXPECT_EQ(window(), 0U);
}

TEST_F(WhpxDelivery, AnInterruptThatCannotGoInWaitsForTheWindow) {
  auto shadowed = open;
  shadowed.VpContext.ExecutionState.InterruptShadow = 1;
  auto busy = open;
  busy.VpContext.ExecutionState.InterruptionPending = 1;
  enable_apic();
  for (const auto& exit : {closed, shadowed, busy}) {
    send(0x41);
    run({exit});
    EXPECT_EQ(pending().InterruptionPending, 0U);
    EXPECT_EQ(window(), 2U);
    run({open});
    EXPECT_EQ(pending().InterruptionVector, 0x41U);
    // Taken, and done with.
    cpu().apic().write_page(x86::LocalApic::kEoi, 0);
    reg(WHvRegisterPendingInterruption).Reg64 = 0;
    reg(WHvX64RegisterDeliverabilityNotifications).Reg64 = 0;
  }
}

TEST_F(WhpxDelivery, TheSecondOfTwoWaitsForTheWindow) {
  enable_apic();
  send(0x41);
  send(0x61);
  run({open});
  EXPECT_EQ(pending().InterruptionVector, 0x61U);
  cpu().apic().write_page(x86::LocalApic::kEoi, 0);
  run({open});
  EXPECT_EQ(pending().InterruptionVector, 0x41U);
}

TEST_F(WhpxDelivery, AnNmiNeedsNoInterruptFlag) {
  cpu().raise_nmi();
  run({closed});
  EXPECT_EQ(pending().InterruptionType, WHvX64PendingNmi);
  EXPECT_EQ(pending().InterruptionVector, 2U);
  EXPECT_EQ(cpu().interrupt_request() & x86::kRequestNmi, 0U);
}

TEST_F(WhpxDelivery, TheSecondOfTwoNmisWaitsForTheWindow) {
  cpu().raise_nmi();
  cpu().raise_nmi();
  run({});
  EXPECT_EQ(pending().InterruptionType, WHvX64PendingNmi);
  EXPECT_NE(cpu().interrupt_request() & x86::kRequestNmi, 0U);
  EXPECT_EQ(window(), 1U);
}

TEST_F(WhpxDelivery, AnNmiWaitsForTheEndOfTheOneBefore) {
  reg(WHvRegisterInterruptState).InterruptState.NmiMasked = 1;
  cpu().raise_nmi();
  run({closed});
  EXPECT_EQ(pending().InterruptionPending, 0U);
  EXPECT_EQ(window(), 1U);
}

TEST_F(WhpxDelivery, NothingGoesInBeforeAnExceptionOfTheEmulator) {
  enable_apic();
  send(0x41);
  scripted_platform::Emulation emulation;
  emulation.sets = {{WHvRegisterPendingInterruption, 0xd0007}};  // vector 13
  script.emulations.push_back(emulation);
  run({with_interrupts(exit_for(WHvRunVpExitReasonMemoryAccess))});
  EXPECT_EQ(pending().InterruptionVector, 13U);
  EXPECT_EQ(window(), 2U);
}

TEST_F(WhpxDelivery, TaskPriorityIsKeptOnBothSides) {
  auto exit = closed;
  exit.VpContext.Cr8 = 5;
  run({exit});
  EXPECT_EQ(cpu().apic().task_priority_class(), 0);  // the exit of the cancel had 0 again
  processor().exits.push_back(exit);
  processor().exits.push_back(exit);
  processor().exits.back().ExitReason = WHvRunVpExitReasonCanceled;
  vcpu->run();
  EXPECT_EQ(cpu().apic().task_priority_class(), 5);
  cpu().apic().set_task_priority_class(9);
  run({exit});
  EXPECT_EQ(reg(WHvX64RegisterCr8).Reg64, 9U);
}

TEST_F(WhpxDelivery, InitAndStartupArePushed) {
  cpu().apic().accept({.mode = x86::DeliveryMode::Init});
  reg(WHvX64RegisterRip).Reg64 = 0x1234;
  reg(WHvRegisterPendingInterruption).Reg64 = 0xd0007;
  run({closed});
  EXPECT_EQ(reg(WHvX64RegisterRip).Reg64, 0xfff0U);
  EXPECT_EQ(pending().InterruptionPending, 0U);
}

TEST_F(WhpxDelivery, AKickBeforeARunEndsItWithoutEntering) {
  vcpu->kick();
  EXPECT_EQ(vcpu->run(), Vcpu::Exit::Kicked);
  EXPECT_EQ(processor().runs, 0U);
  EXPECT_FALSE(processor().cancelled);
}

TEST_F(WhpxDelivery, AKickEndsARun) {
  std::thread kicker([this] {
    std::unique_lock lock(script.mutex);
    script.changed.wait(lock, [this] { return script.processors[0].runs != 0; });
    lock.unlock();
    vcpu->kick();
  });
  EXPECT_EQ(vcpu->run(), Vcpu::Exit::Kicked);
  kicker.join();
  EXPECT_EQ(processor().runs, 1U);
}

TEST_F(WhpxDelivery, ACancelThatComesTooLateEndsTheNextRun) {
  processor().cancelled = true;
  EXPECT_EQ(vcpu->run(), Vcpu::Exit::Kicked);
  EXPECT_FALSE(processor().cancelled);
}

TEST_F(WhpxDelivery, WhatAnExitLeftToBeSetIsSetBeforeTheStateIsRead) {
  auto exit = exit_for(WHvRunVpExitReasonX64Cpuid);
  exit.CpuidAccess.Rax = 7;
  exit.CpuidAccess.DefaultResultRbx = 0x77;
  script.failures.clear();
  processor().exits.assign({exit});
  processor().exits.push_back(exit_for(WHvRunVpExitReasonX64Halt));
  vcpu->run();
  vcpu->get_state();
  EXPECT_EQ(cpu().state().gpr[x86::RBX], 0x77U);
}

TEST_F(WhpxDelivery, ARegisterThatThePlatformDoesNotKnowIsLeftOut) {
  vcpu.reset();
  script.unknown_registers = {WHvX64RegisterTscAux, WHvX64RegisterDr7};
  vcpu = std::make_unique<WhpxVcpu>(*partition, cpu());
  vcpu->put_state();
  vcpu->get_state();
  EXPECT_FALSE(processor().registers.contains(WHvX64RegisterTscAux));
  EXPECT_TRUE(processor().registers.contains(WHvX64RegisterDr6));
}

TEST_F(WhpxDelivery, WhateverCallFailsIsAnErrorAndLeavesNothing) {
  for (const char* call : {"WHvRunVirtualProcessor", "WHvSetVirtualProcessorRegisters"}) {
    script.failures = {{call, kInvalidVpState}};
    cpu().raise_nmi();
    EXPECT_TRUE(error_of([&] { run({closed, closed}); }).first.ends_with(", hr=80370308")) << call;
  }
  script.failures.clear();
  vcpu.reset();
  for (const char* call : {"WHvCreateVirtualProcessor", "WHvEmulatorCreateEmulator"}) {
    script.failures = {{call, kFail}};
    EXPECT_TRUE(error_of([&] {
                  const WhpxVcpu failing(*partition, cpu());
                }).first.ends_with(", hr=80004005"));
    EXPECT_TRUE(script.processors.empty());
    EXPECT_EQ(script.emulators, 0);
  }
}

}  // namespace
}  // namespace backplane::whpx::testing
