// SPDX-License-Identifier: MIT
// Single-stepping and the breakpoints of DR0 to DR3.
#include <gtest/gtest.h>

#include "test_guest.h"

namespace backplane::x86::testing {
namespace {

using Step = Interpreter::Step;

constexpr u64 kSingleStepBit = 0x4000;
// Fields of DR7 for breakpoint 0.
constexpr u64 kEnable = 1, kOnWrite = 1 << 16, kOnAccess = 3 << 16, kFourBytes = 3 << 18;

class Debug : public ::testing::Test {
 protected:
  void SetUp() override {
    guest.reg(RBX) = guest.address(TestGuest::kData);
    guest.state().dr[0] = guest.address(TestGuest::kData);
    guest.state().dr[6] = 0;
  }
  TestGuest guest;
};

TEST_F(Debug, SingleSteppingTrapsAfterTheInstruction) {
  guest.state().rflags |= kTF;
  EXPECT_EQ(guest.run({0x90}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kDB);
  EXPECT_EQ(guest.delivered().rip, guest.address(1));
  EXPECT_EQ(guest.state().dr[6], kSingleStepBit);
  EXPECT_EQ(guest.state().rflags & kTF, 0U);
}

// [SDM 3A "Masking Exceptions and Interrupts When Switching Stacks"]
class LoadOfSs : public Debug {
 protected:
  void SetUp() override {
    Debug::SetUp();
    guest.reg(RAX) = TestGuest::kData0;
    guest.store_value<u64>(TestGuest::kData, TestGuest::kData0);
    guest.state().lstar = guest.address(TestGuest::kHandlers);
  }
  // Loads SS from an operand on which there is a breakpoint.
  void load_watched() {
    guest.state().dr[7] = kEnable | kOnAccess;
    ASSERT_EQ(guest.run({0x8e, 0x13}), Step::Done);  // mov ss, [rbx]
  }
  // A trap before the first instruction of the handler that is being entered.
  void expect_trap_at_handler() {
    const u64 handler = guest.state().rip;
    EXPECT_EQ(guest.run({0x90}), Step::Exception);
    EXPECT_EQ(guest.delivered().vector, kDB);
    EXPECT_EQ(guest.delivered().rip, handler);
    EXPECT_EQ(guest.state().dr[6], 1U);
    expect_no_trap();
  }
  void expect_no_trap() { EXPECT_EQ(guest.run({0x90}), Step::Done); }
};

TEST_F(LoadOfSs, LosesTheSingleStepTrap) {
  guest.state().rflags |= kTF;
  EXPECT_EQ(guest.run({0x8e, 0xd0}), Step::Done);  // mov ss, eax
  EXPECT_EQ(guest.run({0x90}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kDB);
  EXPECT_EQ(guest.delivered().rip, guest.address(3));
  expect_no_trap();
}

TEST_F(LoadOfSs, LeavesNoSingleStepTrapToTheHandlerOfASoftwareInterrupt) {
  const std::initializer_list<int> kInterrupts[] = {{0xf1}, {0xcc}, {0xcd, 0x80}, {0x0f, 0x0b}};
  for (const auto& interrupt : kInterrupts) {
    guest.enter_long_mode();
    guest.state().rflags |= kTF;
    EXPECT_EQ(guest.run({0x8e, 0xd0}), Step::Done);
    EXPECT_EQ(guest.run(interrupt), Step::Exception);
    EXPECT_EQ(guest.state().dr[6], 0U);
    expect_no_trap();
  }
}

TEST_F(LoadOfSs, HoldsTheTrapOfItsOperandBackForOneInstruction) {
  load_watched();
  EXPECT_EQ(guest.run({0x90}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kDB);
  EXPECT_EQ(guest.delivered().rip, guest.address(3));
  EXPECT_EQ(guest.state().dr[6], 1U);
  expect_no_trap();
}

TEST_F(LoadOfSs, LeavesItsTrapToTheKernelThatASystemCallEnters) {
  load_watched();
  EXPECT_EQ(guest.run({0xcd, 0x80}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, 0x80);
  expect_trap_at_handler();

  guest.enter_long_mode();
  load_watched();
  EXPECT_EQ(guest.run({0xcc}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kBP);
  expect_trap_at_handler();

  guest.enter_long_mode();
  load_watched();
  EXPECT_EQ(guest.run({0x0f, 0x05}), Step::Exception);  // syscall
  EXPECT_EQ(guest.delivered().vector, kDB);
  EXPECT_EQ(guest.delivered().rip, guest.state().lstar);
}

TEST_F(LoadOfSs, ItsTrapGivesWayToInt1AndToFaults) {
  const std::initializer_list<int> kEvents[] = {{0xf1}, {0x0f, 0x0b}, {0xcd, 0x81}};
  for (const auto& event : kEvents) {
    guest.enter_long_mode();
    guest.store_value<u64>(TestGuest::kIdt + 16 * 0x81, 0);  // #GP
    load_watched();
    EXPECT_EQ(guest.run(event), Step::Exception);
    EXPECT_EQ(guest.state().dr[6], 0U);
    expect_no_trap();
  }
}

TEST_F(LoadOfSs, SuppressesACodeBreakpointBehindIt) {
  guest.state().dr[0] = guest.address(2);
  guest.state().dr[7] = kEnable;
  EXPECT_EQ(guest.run({0x8e, 0xd0}), Step::Done);
  EXPECT_EQ(guest.run({0x90}), Step::Done);

  guest.enter_protected_mode();
  guest.state().dr[0] = guest.address(1);
  guest.store_value<u32>(10 * kPageSize, TestGuest::kData0);
  EXPECT_EQ(guest.run({0x17}), Step::Done);  // pop ss
  EXPECT_EQ(guest.run({0x90}), Step::Done);
}

TEST_F(LoadOfSs, ByLssOrBehindStiSuppressesNothing) {
  guest.store_value<u64>(TestGuest::kData, u64{TestGuest::kData0} << 32);
  guest.state().dr[0] = guest.address(3);
  guest.state().dr[7] = kEnable;
  EXPECT_EQ(guest.run({0x0f, 0xb2, 0x0b}), Step::Done);  // lss ecx, [rbx]
  EXPECT_EQ(guest.run({0x90}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kDB);

  guest.enter_long_mode();
  guest.state().dr[0] = guest.address(1);
  EXPECT_EQ(guest.run({0xfb}), Step::Done);  // sti
  EXPECT_EQ(guest.run({0x90}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kDB);
}

TEST_F(LoadOfSs, BehindAnotherOneHoldsNothing) {
  guest.state().rflags |= kTF;
  EXPECT_EQ(guest.run({0x8e, 0xd0}), Step::Done);
  EXPECT_EQ(guest.run({0x8e, 0xd0}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kDB);
  EXPECT_EQ(guest.delivered().rip, guest.address(4));
}

TEST_F(LoadOfSs, LosesItsTrapWhenTheCpuIsReset) {
  load_watched();
  guest.cpu->init_reset();
  guest.cpu->state().wait_for_sipi = 0;
  guest.enter_long_mode();
  guest.state().dr[7] = 0x400;
  expect_no_trap();
}

// An accelerator's processor does not know what the interpreter holds back.
TEST_F(LoadOfSs, IsSettledWithTheInstructionsBehindIt) {
  guest.state().dr[7] = kEnable | kOnAccess;
  const u8 code[] = {0x8e, 0x13, 0xcc};
  guest.load(code);
  EXPECT_EQ(guest.interpreter->step_and_settle(), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kDB);
  EXPECT_EQ(guest.state().debug_traps, 0U);
}

TEST_F(Debug, AWatchedWriteTrapsAfterIt) {
  guest.state().dr[7] = kEnable | kOnWrite | kFourBytes;
  EXPECT_EQ(guest.run({0x8a, 0x43, 0x03}), Step::Done);       // mov al, [rbx+3]
  EXPECT_EQ(guest.run({0x88, 0x43, 0x04}), Step::Done);       // mov [rbx+4], al
  EXPECT_EQ(guest.run({0x88, 0x43, 0x03}), Step::Exception);  // mov [rbx+3], al
  EXPECT_EQ(guest.delivered().vector, kDB);
  EXPECT_EQ(guest.delivered().rip, guest.address(9));
  EXPECT_EQ(guest.state().dr[6], 1U);
}

// [SDM 3B "Debug Status Register (DR6)"]
TEST_F(Debug, TheStatusNamesTheBreakpointsOfTheLastExceptionOnly) {
  X86State& s = guest.state();
  s.dr[1] = guest.address(TestGuest::kData + 8);
  s.dr[7] = kEnable | kOnWrite | kEnable << 2 | kOnWrite << 4;
  EXPECT_EQ(guest.run({0x88, 0x03}), Step::Exception);  // mov [rbx], al
  EXPECT_EQ(s.dr[6], 1U);
  s.rip = guest.address(0);
  s.rflags |= kTF;
  EXPECT_EQ(guest.run({0x88, 0x43, 0x08}), Step::Exception);  // mov [rbx+8], al
  EXPECT_EQ(s.dr[6], kSingleStepBit | 2U);
  s.rip = guest.address(0);
  s.rflags |= kTF;
  EXPECT_EQ(guest.run({0x90}), Step::Exception);
  EXPECT_EQ(s.dr[6], kSingleStepBit);
  // INT1 reports nothing.
  s.dr[6] = 5;
  EXPECT_EQ(guest.run({0xf1}), Step::Exception);
  EXPECT_EQ(s.dr[6], 5U);
}

TEST_F(Debug, GeneralDetectionEndsWithTheExceptionWhateverRaisedIt) {
  constexpr u64 kGeneralDetect = 1 << 13;
  X86State& s = guest.state();
  s.dr[6] = 3;
  s.dr[7] = kGeneralDetect;
  EXPECT_EQ(guest.run({0x0f, 0x21, 0xc0}), Step::Exception);  // mov rax, dr0
  EXPECT_EQ(s.dr[6], kGeneralDetect);
  EXPECT_EQ(s.dr[7], 0U);
  s.dr[7] = kGeneralDetect;
  s.rip = guest.address(0);
  s.rflags |= kTF;
  EXPECT_EQ(guest.run({0x90}), Step::Exception);
  EXPECT_EQ(s.dr[7], 0U);
  s.dr[7] = kGeneralDetect;
  EXPECT_EQ(guest.run({0xcd, 0x01}), Step::Exception);  // int 1
  EXPECT_EQ(s.dr[7], kGeneralDetect);
}

TEST_F(Debug, AWatchedReadTrapsAfterIt) {
  guest.state().dr[7] = kEnable | kOnAccess;
  EXPECT_EQ(guest.run({0x48, 0x8b, 0x43, 0xf9}), Step::Exception);  // mov rax, [rbx-7]
  EXPECT_EQ(guest.delivered().vector, kDB);
}

TEST_F(Debug, VectorAndLockedAccessesAreWatched) {
  guest.state().dr[7] = kEnable | kOnWrite;
  EXPECT_EQ(guest.run({0x0f, 0x11, 0x03}), Step::Exception);  // movups [rbx], xmm0
  guest.enter_long_mode();
  EXPECT_EQ(guest.run({0xf0, 0x01, 0x03}), Step::Exception);  // lock add [rbx], eax
  guest.enter_long_mode();
  guest.reg(RDI) = guest.address(TestGuest::kData - 2);
  guest.reg(RCX) = 8;
  EXPECT_EQ(guest.run({0xf3, 0xaa}), Step::Done);  // rep stosb
  EXPECT_EQ(guest.step(), Step::Done);
  EXPECT_EQ(guest.step(), Step::Exception);
  EXPECT_EQ(guest.reg(RCX), 5U);
}

// --- the resume flag [SDM 3B "Instruction-Breakpoint Exception Condition"]
// ------------------------

class Resuming : public Debug {
 protected:
  static constexpr u64 kReturn = 0x800;  // an IRETQ
  void SetUp() override {
    Debug::SetUp();
    guest.state().dr[0] = guest.address(0);
    guest.state().dr[7] = kEnable;
  }
  u64 frame() { return guest.reg(RSP) - guest.address(0); }
  u64 pushed_rf() { return guest.load_value<u64>(frame() + 16) & kRF; }
  // Returns from a handler with RF set.
  void resume() {
    guest.store_value<u64>(frame() + 16, guest.load_value<u64>(frame() + 16) | kRF);
    guest.state().rip = guest.address(kReturn);
    EXPECT_EQ(guest.run({0x48, 0xcf}), Step::Done);
    EXPECT_NE(guest.state().rflags & kRF, 0U);
  }
  // REP MOVSB of so many bytes.
  void begin_repeat(u64 count) {
    guest.reg(RSI) = guest.address(TestGuest::kData);
    guest.reg(RDI) = guest.address(TestGuest::kData + 0x100);
    guest.reg(RCX) = count;
  }
};

TEST_F(Resuming, ACodeBreakpointFaultsUntilTheHandlerSetsRf) {
  EXPECT_EQ(guest.run({0x90}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kDB);
  EXPECT_EQ(guest.delivered().rip, guest.address(0));
  EXPECT_EQ(pushed_rf(), 0U);
  guest.state().rip = guest.address(0);
  EXPECT_EQ(guest.step(), Step::Exception);
  resume();
  EXPECT_EQ(guest.state().rip, guest.address(0));
  EXPECT_EQ(guest.step(), Step::Done);
  EXPECT_EQ(guest.state().rflags & kRF, 0U);
}

TEST_F(Resuming, ARepeatedInstructionMeetsItsCodeBreakpointOnce) {
  begin_repeat(3);
  EXPECT_EQ(guest.run({0xf3, 0xa4}), Step::Exception);
  resume();
  for (unsigned element = 0; element < 3; ++element) EXPECT_EQ(guest.step(), Step::Done);
  EXPECT_EQ(guest.reg(RCX), 0U);
  EXPECT_EQ(guest.state().rip, guest.address(2));
  EXPECT_EQ(guest.state().rflags & kRF, 0U);
}

TEST_F(Resuming, TrapsInsideARepetitionPushRfButNotTheLast) {
  guest.state().dr[7] = 0x400;
  guest.state().rflags |= kTF;
  begin_repeat(2);
  EXPECT_EQ(guest.run({0xf3, 0xa4}), Step::Exception);
  EXPECT_EQ(guest.delivered().rip, guest.address(0));
  EXPECT_NE(pushed_rf(), 0U);
  resume();
  EXPECT_EQ(guest.step(), Step::Exception);
  EXPECT_EQ(guest.delivered().rip, guest.address(2));
  EXPECT_EQ(pushed_rf(), 0U);
}

TEST_F(Resuming, AnInterruptInsideARepetitionPushesRf) {
  guest.state().dr[7] = 0x400;
  begin_repeat(1500);
  guest.reg(RDI) = guest.reg(RSI) + 1;  // one by one, with a limit for each step
  EXPECT_EQ(guest.run({0xf3, 0xa4}), Step::Done);
  ASSERT_EQ(guest.state().rip, guest.address(0));
  const Context context{*guest.cpu, guest.memory};
  deliver_event(context, EventKind::External, 0x40, 0);
  EXPECT_NE(pushed_rf(), 0U);
  resume();
  EXPECT_EQ(guest.step(), Step::Done);
  ASSERT_EQ(guest.state().rip, guest.address(2));
  deliver_event(context, EventKind::External, 0x40, 0);
  EXPECT_EQ(pushed_rf(), 0U);
}

TEST_F(Resuming, FaultsPushRfAndSoftwareInterruptsDoNot) {
  EXPECT_EQ(guest.run({0x0f, 0x0b}), Step::Exception);
  guest.state().rip = guest.address(0);
  guest.state().rflags |= kRF;
  EXPECT_EQ(guest.run({0x0f, 0x0b}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kUD);
  EXPECT_NE(pushed_rf(), 0U);
  for (const int interrupt : {0xcc, 0xf1}) {
    guest.state().rip = guest.address(0);
    guest.state().rflags |= kRF;
    EXPECT_EQ(guest.run({interrupt}), Step::Exception);
    EXPECT_EQ(pushed_rf(), 0U);
  }
  // General detection is a fault.
  guest.state().dr[7] = 1 << 13;
  guest.state().rip = guest.address(0);
  EXPECT_EQ(guest.run({0x0f, 0x21, 0xc0}), Step::Exception);  // mov rax, dr0
  EXPECT_EQ(guest.delivered().vector, kDB);
  EXPECT_NE(pushed_rf(), 0U);
}

// --- into the kernel and out of it with TF set
// ----------------------------------------------------

class SteppedEntry : public Debug {
 protected:
  static constexpr u64 kEntry = 0x800;
  void SetUp() override {
    Debug::SetUp();
    X86State& s = guest.state();
    s.star = u64{0x23} << 48 | u64{TestGuest::kCode64} << 32;
    s.lstar = s.sysenter_eip = guest.address(kEntry);
    s.sysenter_cs = TestGuest::kCode64;
    s.sysenter_esp = guest.address(10 * kPageSize);
    enter_user();
  }
  void enter_user() {
    guest.enter_long_mode(true);
    guest.state().rflags |= kTF;
  }
  void expect_trap_at(u64 offset) {
    EXPECT_EQ(guest.delivered().vector, kDB);
    EXPECT_EQ(guest.delivered().rip, guest.address(offset));
    EXPECT_EQ(guest.state().dr[6], kSingleStepBit);
  }
};

TEST_F(SteppedEntry, BySyscallTrapsOnlyIfSfmaskLeavesTf) {
  guest.state().sfmask = kTF;
  EXPECT_EQ(guest.run({0x0f, 0x05}), Step::Done);
  EXPECT_EQ(guest.state().rip, guest.address(kEntry));
  EXPECT_NE(guest.reg(R11) & kTF, 0U);
  EXPECT_EQ(guest.run({0x90}), Step::Done);

  enter_user();
  guest.state().sfmask = kIF;
  EXPECT_EQ(guest.run({0x0f, 0x05}), Step::Exception);
  expect_trap_at(kEntry);
}

TEST_F(SteppedEntry, BySyscallTrapsBehindTheSysretThatRestoresTf) {
  guest.state().sfmask = kTF;
  EXPECT_EQ(guest.run({0x0f, 0x05}), Step::Done);
  EXPECT_EQ(guest.run({0x48, 0x0f, 0x07}), Step::Exception);  // sysretq
  expect_trap_at(2);
}

TEST_F(SteppedEntry, BySysenterTrapsAtItsFirstInstruction) {
  EXPECT_EQ(guest.run({0x0f, 0x34}), Step::Exception);
  expect_trap_at(kEntry);
}

TEST_F(SteppedEntry, ByAnInterruptOrAFaultDoesNotTrap) {
  const std::initializer_list<int> kEntries[] = {
      {0xcd, 0x80}, {0xcc}, {0xf1}, {0x0f, 0x0b}, {0xf4}};
  for (const auto& entry : kEntries) {
    enter_user();
    EXPECT_EQ(guest.run(entry), Step::Exception);
    EXPECT_EQ(guest.state().dr[6], 0U);
    EXPECT_EQ(guest.run({0x90}), Step::Done);
  }
}

TEST_F(SteppedEntry, ByIretTrapsBehindTheNextInstruction) {
  guest.state().rflags &= ~kTF;
  EXPECT_EQ(guest.run({0xcd, 0x80}), Step::Exception);
  const u64 frame = guest.reg(RSP) - guest.address(0);
  guest.store_value<u64>(frame + 16, 2 | kTF);
  EXPECT_EQ(guest.run({0x48, 0xcf}), Step::Done);
  EXPECT_EQ(guest.state().rip, guest.address(2));
  EXPECT_EQ(guest.run({0x90}), Step::Exception);
  expect_trap_at(3);
}

}  // namespace
}  // namespace backplane::x86::testing
