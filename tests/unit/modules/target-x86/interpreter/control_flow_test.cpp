// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "test_guest.h"

namespace backplane::x86::testing {
namespace {

using Step = Interpreter::Step;

class ControlFlow : public ::testing::Test {
 protected:
  u64 offset_of_rip() { return guest.state().rip - guest.address(0); }
  TestGuest guest;
};

TEST_F(ControlFlow, JumpsAreRelativeToTheNextInstruction) {
  EXPECT_EQ(guest.run({0xeb, 0x10}), Step::Done);
  EXPECT_EQ(offset_of_rip(), 0x12U);
  EXPECT_EQ(guest.run({0xe9, 0xf0, 0xff, 0xff, 0xff}), Step::Done);
  EXPECT_EQ(offset_of_rip(), 0x7U);
}

TEST_F(ControlFlow, ConditionsAreThoseOfTheOpcode) {
  struct Row {
    u64 flags;
    u16 taken;  // a bit for each condition
  };
  constexpr Row kRows[] = {{0, 0b1010'1010'1010'1010},        {kOF, 0b0101'1010'1010'1001},
                           {kCF, 0b1010'1010'0110'0110},      {kZF, 0b0110'1010'0101'1010},
                           {kSF, 0b0101'1001'1010'1010},      {kPF, 0b1010'0110'1010'1010},
                           {kSF | kOF, 0b1010'1001'1010'1001}};
  for (const Row& row : kRows)
    for (unsigned condition = 0; condition < 16; ++condition) {
      guest.enter_long_mode();
      guest.state().rflags |= row.flags;
      guest.run({static_cast<int>(0x70 + condition), 0x20});
      EXPECT_EQ(offset_of_rip() == 0x22, (row.taken >> condition & 1) != 0)
          << row.flags << " " << condition;
    }
}

TEST_F(ControlFlow, CallAndReturn) {
  const u64 rsp = guest.reg(RSP);
  guest.run({0xe8, 0x00, 0x01, 0x00, 0x00});
  EXPECT_EQ(offset_of_rip(), 0x105U);
  EXPECT_EQ(guest.reg(RSP), rsp - 8);
  guest.run({0xc2, 0x10, 0x00});  // ret 16
  EXPECT_EQ(offset_of_rip(), 5U);
  EXPECT_EQ(guest.reg(RSP), rsp + 16);
}

TEST_F(ControlFlow, ACallThroughTheStackPointerReadsItFirst) {
  const u64 rsp = guest.reg(RSP);
  guest.store_value<u64>(rsp - guest.address(0), guest.address(0x40));
  guest.run({0xff, 0x14, 0x24});  // call [rsp]
  EXPECT_EQ(offset_of_rip(), 0x40U);
}

TEST_F(ControlFlow, LoopCountsWithTheAddressSize) {
  guest.reg(RCX) = 0x100000002;
  guest.run({0x67, 0xe2, 0x10});  // loop with ECX
  EXPECT_EQ(offset_of_rip(), 0x13U);
  EXPECT_EQ(guest.reg(RCX), 1U);
  guest.run({0xe2, 0x10});
  EXPECT_EQ(offset_of_rip(), 0x15U);
  guest.run({0xe3, 0x10});  // jrcxz
  EXPECT_EQ(offset_of_rip(), 0x27U);
}

TEST_F(ControlFlow, A16BitJumpCutsTheInstructionPointer) {
  guest.enter_real_mode();
  guest.state().rip = 0x8000;
  guest.run({0xe9, 0x00, 0xf0});
  EXPECT_EQ(guest.state().rip, 0x7003U);
}

TEST_F(ControlFlow, SoftwareInterruptsReturnToTheNextInstruction) {
  EXPECT_EQ(guest.run({0xcd, 0x80}), Step::Exception);
  EXPECT_EQ(guest.delivered().vector, 0x80);
  EXPECT_EQ(guest.delivered().rip, guest.address(2));
  guest.run({0x48, 0xcf});  // iretq
  EXPECT_EQ(offset_of_rip(), 2U);
  guest.enter_long_mode();
  guest.run({0xcc});
  EXPECT_EQ(guest.delivered().vector, kBP);
  EXPECT_EQ(guest.delivered().rip, guest.address(1));
}

TEST_F(ControlFlow, RealModeInterruptsGoThroughTheVectorTable) {
  guest.enter_real_mode();
  const u64 sp = guest.reg(RSP);
  guest.run({0xcd, 0x21});
  EXPECT_EQ(guest.state().seg[CS].selector, 0x2000);
  EXPECT_EQ(guest.state().rip, 0x21 * TestGuest::kHandlerSize);
  EXPECT_EQ(guest.load_value<u16>(sp - 6), kPageSize + 2);
  EXPECT_EQ(guest.reg(RSP), sp - 6);
}

TEST_F(ControlFlow, AFarJumpLeavesRealMode) {
  guest.enter_real_mode();
  X86State& s = guest.state();
  s.gdtr = {0x7f, guest.address(TestGuest::kGdt)};
  guest.reg(RAX) = kCr0PE;
  EXPECT_EQ(guest.run({0x0f, 0x22, 0xc0}), Step::Done);  // mov cr0, eax
  const u32 target = static_cast<u32>(guest.address(0x40));
  const auto byte = [&](unsigned n) { return static_cast<int>(target >> 8 * n & 0xff); };
  EXPECT_EQ(guest.run({0x66, 0xea, byte(0), byte(1), byte(2), byte(3), TestGuest::kCode32, 0}),
            Step::Done);
  EXPECT_EQ(s.seg[CS].selector, TestGuest::kCode32);
  EXPECT_EQ(s.code_bits(), 32U);
  EXPECT_EQ(s.rip, target);
}

TEST_F(ControlFlow, AFarReturnGoesBackWhereAFarCallCameFrom) {
  guest.store_value<u32>(TestGuest::kData, static_cast<u32>(guest.address(0x80)));
  guest.store_value<u16>(TestGuest::kData + 4, TestGuest::kCode32);
  guest.reg(RBX) = guest.address(TestGuest::kData);
  EXPECT_EQ(guest.run({0xff, 0x1b}), Step::Done);  // call far [rbx]
  EXPECT_EQ(guest.state().seg[CS].selector, TestGuest::kCode32);
  EXPECT_EQ(offset_of_rip(), 0x80U);
  EXPECT_EQ(guest.run({0xcb}), Step::Done);  // retf
  EXPECT_EQ(guest.state().seg[CS].selector, TestGuest::kCode64);
  EXPECT_EQ(offset_of_rip(), 2U);
}

TEST_F(ControlFlow, SystemCallsGoToTheKernelAndBack) {
  guest.enter_long_mode(true);
  X86State& s = guest.state();
  s.star = u64{TestGuest::kCode64} << 32 | u64{0x23} << 48;
  s.lstar = guest.address(0x200);
  s.sfmask = kIF;
  s.rflags |= kIF;
  guest.run({0x0f, 0x05});
  EXPECT_EQ(s.cpl(), 0U);
  EXPECT_EQ(offset_of_rip(), 0x200U);
  EXPECT_EQ(guest.reg(RCX), guest.address(2));
  EXPECT_EQ(s.rflags & kIF, 0U);
  guest.run({0x48, 0x0f, 0x07});
  EXPECT_EQ(s.cpl(), 3U);
  EXPECT_EQ(offset_of_rip(), 2U);
  EXPECT_NE(s.rflags & kIF, 0U);
}

TEST_F(ControlFlow, CodeThatWasChangedIsSeen) {
  guest.run({0xb0, 0x01});  // mov al, 1
  guest.state().rip = guest.address(0);
  guest.run({0xb0, 0x02});
  EXPECT_EQ(guest.reg(RAX) & 0xff, 2U);
}

TEST_F(ControlFlow, BoundsAreInclusive) {
  guest.enter_protected_mode();
  guest.store_value<u32>(TestGuest::kData, 10);
  guest.store_value<u32>(TestGuest::kData + 4, 20);
  guest.reg(RBX) = guest.address(TestGuest::kData);
  guest.reg(RAX) = 20;
  EXPECT_EQ(guest.run({0x62, 0x03}), Step::Done);
  guest.reg(RAX) = 21;
  EXPECT_EQ(guest.run({0x62, 0x03}), Step::Exception);
}

}  // namespace
}  // namespace backplane::x86::testing
