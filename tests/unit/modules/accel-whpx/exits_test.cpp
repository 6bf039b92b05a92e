// SPDX-License-Identifier: MIT
// What each exit leads to.
#include "backplane/error.h"
#include "vcpu_fixture.h"

namespace backplane::whpx::testing {
namespace {

using scripted_platform::Access;
using scripted_platform::Emulation;

// Eight bytes of registers.
struct Device {
  u64 read(u64 offset, unsigned size) { return 0x8877665544332211 >> 8 * offset & mask(size); }
  void write(u64 offset, u64 value, unsigned size) { written.push_back({offset, value, size}); }
  static u64 mask(unsigned size) { return size == 8 ? ~u64{0} : (u64{1} << 8 * size) - 1; }
  struct Write {
    u64 offset, value;
    unsigned size;
    bool operator==(const Write&) const = default;
  };
  std::vector<Write> written;
};

class WhpxExits : public ScriptedVcpu {
 protected:
  WhpxExits() {
    const auto handler = MmioHandler::of<&Device::read, &Device::write>(device);
    memory = MemoryRegion::mmio("device", 8, handler);
    ports = MemoryRegion::mmio("ports", 8, handler.sizes(1, 4));
    machine.memory_root().add_subregion(kAddress, *memory);
    machine.io_root().add_subregion(kPort, *ports);
  }

  static constexpr u64 kAddress = 0xd0000000, kPort = 0x300;
  Device device;
  std::unique_ptr<MemoryRegion> memory, ports;
};

TEST_F(WhpxExits, PortAccessesReachTheDevice) {
  script.emulations.push_back(
      {.accesses = {{.port = true, .write = true, .address = kPort, .size = 2, .data = 0xabcd},
                    {.port = true, .address = kPort + 1, .size = 4}}});
  EXPECT_EQ(run(WHvRunVpExitReasonX64IoPortAccess), Vcpu::Exit::Kicked);
  EXPECT_EQ(device.written, (std::vector<Device::Write>{{0, 0xabcd, 2}}));
  EXPECT_EQ(script.done.at(0).accesses.at(1).data, 0x55443322U);
  EXPECT_EQ(vcpu->counters().ports, 1U);
}

TEST_F(WhpxExits, MemoryAccessesOfEverySizeReachTheDevice) {
  for (const u8 size : {1, 2, 4, 8}) {
    script.emulations.push_back(
        {.accesses = {{.address = kAddress, .size = size},
                      {.write = true, .address = kAddress, .size = size, .data = 0x7f}}});
    EXPECT_EQ(run(WHvRunVpExitReasonMemoryAccess), Vcpu::Exit::Kicked);
    EXPECT_EQ(script.done.back().accesses.at(0).data, 0x8877665544332211 & Device::mask(size));
    EXPECT_EQ(device.written.back(), (Device::Write{0, 0x7f, size}));
  }
  EXPECT_EQ(vcpu->counters().memory, 4U);
}

TEST_F(WhpxExits, AccessesToNothingReadAsOnes) {
  script.emulations.push_back({.accesses = {{.address = 0xe0000000, .size = 4}}});
  run(WHvRunVpExitReasonMemoryAccess);
  EXPECT_EQ(script.done.at(0).accesses.at(0).data, 0xffffffffU);
}

TEST_F(WhpxExits, AnAccessOfImpossibleSizeIsAnError) {
  script.emulations.push_back({.accesses = {{.port = true, .address = kPort, .size = 8}}});
  EXPECT_TRUE(error_of([&] {
                run(WHvRunVpExitReasonX64IoPortAccess);
              }).first.starts_with("WHPX: cannot emulate a port access"));
}

TEST_F(WhpxExits, AnInstructionThatTheEmulatorDoesNotKnowIsInterpreted) {
  const u8 code[] = {0xb0, 0x5a};  // mov al, 5ah
  machine.memory().write(kRip, code, sizeof code);
  reg(WHvX64RegisterRip).Reg64 = kRip;
  reg(WHvX64RegisterCs).Segment.Base = 0;
  script.emulations.push_back({.status = 2});
  EXPECT_EQ(run(WHvRunVpExitReasonMemoryAccess), Vcpu::Exit::Kicked);
  EXPECT_EQ(reg(WHvX64RegisterRip).Reg64, kRip + 2);
  EXPECT_EQ(reg(WHvX64RegisterRax).Reg64 & 0xff, 0x5aU);
  EXPECT_EQ(vcpu->counters().emulated, 1U);
}

TEST_F(WhpxExits, EveryOtherOutcomeOfTheEmulatorIsAnError) {
  for (unsigned bit = 2; bit < 10; ++bit) {
    script.emulations.push_back({.status = 1u << bit});
    EXPECT_EQ(
        error_of([&] { run(WHvRunVpExitReasonMemoryAccess); }).first,
        fmt::format("WHPX: cannot emulate a memory access, emulator status {:#x}", 1u << bit));
  }
  for (const u32 result : {0x80370308u, 0x80004005u}) {
    script.emulations.push_back({.result = hresult(result)});
    EXPECT_EQ(error_of([&] { run(WHvRunVpExitReasonX64IoPortAccess); }).first,
              fmt::format("WHPX: cannot emulate a port access, hr={:08x}", result));
  }
}

TEST_F(WhpxExits, HaltWaitsUnlessAnInterruptIsDeliverable) {
  EXPECT_EQ(run(WHvRunVpExitReasonX64Halt), Vcpu::Exit::Halted);
  EXPECT_TRUE(cpu().halted());
  EXPECT_EQ(vcpu->run(), Vcpu::Exit::Halted);  // and still
  enable_apic();
  send(0x41);
  EXPECT_EQ(run(WHvRunVpExitReasonX64Halt), Vcpu::Exit::Halted);  // interrupts are off
  cpu().set_halted(false);
  EXPECT_EQ(run({with_interrupts(exit_for(WHvRunVpExitReasonX64Halt))}), Vcpu::Exit::Kicked);
  EXPECT_FALSE(cpu().halted());
  EXPECT_EQ(pending().InterruptionVector, 0x41U);
}

WHV_RUN_VP_EXIT_CONTEXT msr_exit(WHV_RUN_VP_EXIT_CONTEXT exit, bool write, u32 msr, u64 value) {
  exit.MsrAccess.AccessInfo.IsWrite = write ? 1 : 0;
  exit.MsrAccess.MsrNumber = msr;
  exit.MsrAccess.Rax = value & 0xffffffff;
  exit.MsrAccess.Rdx = value >> 32;
  return exit;
}

constexpr u32 kMtrrDefault = 0x2ff, kApicBase = 0x1b, kUnknownMsr = 0x12345;

TEST_F(WhpxExits, MsrsAreReadAndWritten) {
  const auto exit = exit_for(WHvRunVpExitReasonX64MsrAccess);
  run({msr_exit(exit, true, kMtrrDefault, 0xc06)});
  EXPECT_EQ(cpu().state().mtrr_def_type, 0xc06U);
  EXPECT_EQ(reg(WHvX64RegisterRip).Reg64, kRip + 2);
  run({msr_exit(exit, false, kMtrrDefault, 0)});
  EXPECT_EQ(reg(WHvX64RegisterRax).Reg64, 0xc06U);
  EXPECT_EQ(reg(WHvX64RegisterRdx).Reg64, 0U);
  run({msr_exit(exit, true, kApicBase, 0xfee00100)});  // off
  EXPECT_FALSE(cpu().apic().enabled());
  EXPECT_EQ(reg(WHvX64RegisterApicBase).Reg64, 0xfee00100U);
}

TEST_F(WhpxExits, AnMsrThatThereIsNotIsAnException) {
  reg(WHvX64RegisterRip).Reg64 = kRip;
  for (const bool write : {false, true}) {
    run({msr_exit(exit_for(WHvRunVpExitReasonX64MsrAccess), write, kUnknownMsr, 0)});
    EXPECT_EQ(reg(WHvX64RegisterRip).Reg64, kRip);
    EXPECT_EQ(pending().InterruptionType, WHvX64PendingException);
    EXPECT_EQ(pending().InterruptionVector, x86::kGP);
    EXPECT_EQ(pending().DeliverErrorCode, 1U);
    EXPECT_EQ(pending().ErrorCode, 0U);
  }
}

TEST_F(WhpxExits, MsrsAreForRing0) {
  auto exit = msr_exit(exit_for(WHvRunVpExitReasonX64MsrAccess), true, kMtrrDefault, 0xc00);
  exit.VpContext.ExecutionState.Cpl = 3;
  run({exit});
  EXPECT_EQ(pending().InterruptionVector, x86::kGP);
  EXPECT_EQ(cpu().state().mtrr_def_type, 0U);
}

WHV_RUN_VP_EXIT_CONTEXT cpuid_exit(WHV_RUN_VP_EXIT_CONTEXT exit, u32 leaf, u32 platform) {
  exit.CpuidAccess.Rax = leaf;
  exit.CpuidAccess.DefaultResultRax = exit.CpuidAccess.DefaultResultRbx = platform;
  exit.CpuidAccess.DefaultResultRcx = exit.CpuidAccess.DefaultResultRdx = platform;
  return exit;
}

TEST_F(WhpxExits, CpuidShowsTheModelWithoutWhatThePlatformHasNot) {
  const auto exit = exit_for(WHvRunVpExitReasonX64Cpuid);
  run({cpuid_exit(exit, 1, 0)});
  EXPECT_EQ(reg(WHvX64RegisterRip).Reg64, kRip + 2);
  EXPECT_EQ(reg(WHvX64RegisterRax).Reg64, cpu().cpuid(1, 0).eax);
  EXPECT_EQ(reg(WHvX64RegisterRbx).Reg64, cpu().cpuid(1, 0).ebx);
  // x2APIC, TSC deadline and the hypervisor bit are ours; SSE4.2 is not.
  EXPECT_EQ(reg(WHvX64RegisterRcx).Reg64, cpu().cpuid(1, 0).ecx & (1u << 21 | 1u << 24 | 1u << 31));
  run({cpuid_exit(exit, 1, ~0u)});
  EXPECT_EQ(reg(WHvX64RegisterRcx).Reg64, cpu().cpuid(1, 0).ecx | 1u << 27);
  run({cpuid_exit(exit, 0x80000001, 0)});
  EXPECT_EQ(reg(WHvX64RegisterRdx).Reg64, 0U);
  run({cpuid_exit(exit, 7, 0x1234)});
  EXPECT_EQ(reg(WHvX64RegisterRbx).Reg64, 0x1234U);
}

TEST_F(WhpxExits, AnExceptionIsHandedBackToTheGuest) {
  auto exit = exit_for(WHvRunVpExitReasonException);
  exit.VpException.ExceptionType = x86::kPFVector;
  exit.VpException.ExceptionInfo.ErrorCodeValid = 1;
  exit.VpException.ErrorCode = 6;
  run({exit});
  EXPECT_EQ(pending().InterruptionVector, x86::kPFVector);
  EXPECT_EQ(pending().ErrorCode, 6U);
}

TEST_F(WhpxExits, WhatTheGuestCannotGoOnFromIsReportedAndStopsIt) {
  for (const u32 reason :
       {0x0u, 0x4u, 0x5u, 0x6u, 0xau, 0x1003u, 0x1004u, 0x1005u, 0x1007u, 0x3000u}) {
    reg(WHvX64RegisterRip).Reg64 = 0x4321;
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(run(static_cast<WHV_RUN_VP_EXIT_REASON>(reason)), Vcpu::Exit::Stopped) << reason;
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("WHPX: cpu 0 stops at 0x4321: "), std::string::npos) << said;
    EXPECT_NE(said.find("RAX="), std::string::npos) << said;
  }
}

TEST_F(WhpxExits, ACounterThatThePlatformDoesNotSuspendIsPutBack) {
  reg(WHvX64RegisterTsc).Reg64 = 1000;
  vcpu->keep_tsc();
  reg(WHvX64RegisterTsc).Reg64 = 9000;
  vcpu->put_tsc_back();
  EXPECT_EQ(reg(WHvX64RegisterTsc).Reg64, 1000U);
  reg(WHvX64RegisterTsc).Reg64 = 2000;
  vcpu->put_tsc_back();  // nothing was kept
  EXPECT_EQ(reg(WHvX64RegisterTsc).Reg64, 2000U);
}

}  // namespace
}  // namespace backplane::whpx::testing
