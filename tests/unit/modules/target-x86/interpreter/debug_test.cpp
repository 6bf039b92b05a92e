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

TEST_F(Debug, TheTrapWaitsForTheInstructionAfterALoadOfSs) {
  guest.enter_protected_mode();
  guest.state().rflags |= kTF;
  guest.reg(RAX) = TestGuest::kData0;
  EXPECT_EQ(guest.run({0x8e, 0xd0}), Step::Done);  // mov ss, eax
  EXPECT_EQ(guest.run({0x90}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kDB);
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

TEST_F(Debug, ACodeBreakpointFaultsUnlessResumed) {
  guest.state().dr[0] = guest.address(0);
  guest.state().dr[7] = kEnable;
  EXPECT_EQ(guest.run({0x90}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, kDB);
  EXPECT_EQ(guest.delivered().rip, guest.address(0));
  guest.state().rip = guest.address(0x800);
  EXPECT_EQ(guest.run({0x48, 0xcf}), Step::Done);  // iretq, with RF in the flags it pops
  EXPECT_EQ(guest.state().rip, guest.address(0));
  EXPECT_NE(guest.state().rflags & kRF, 0U);
  EXPECT_EQ(guest.step(), Step::Done);
  EXPECT_EQ(guest.state().rflags & kRF, 0U);
}

}  // namespace
}  // namespace backplane::x86::testing
