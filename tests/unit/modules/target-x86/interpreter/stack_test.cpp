// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "test_guest.h"

namespace backplane::x86::testing {
namespace {

class Stack : public ::testing::Test {
 protected:
  u64 top() { return guest.load_value<u64>(guest.reg(RSP) - guest.address(0)); }
  TestGuest guest;
};

TEST_F(Stack, PushOfTheStackPointerPushesItsOldValue) {
  const u64 rsp = guest.reg(RSP);
  guest.run({0x54});
  EXPECT_EQ(guest.reg(RSP), rsp - 8);
  EXPECT_EQ(top(), rsp);
  guest.run({0x5c});  // pop rsp
  EXPECT_EQ(guest.reg(RSP), rsp);
}

TEST_F(Stack, PopToMemoryAddressesWithTheNewStackPointer) {
  const u64 rsp = guest.reg(RSP);
  guest.store_value<u64>(rsp - guest.address(0), 0x1234);
  guest.run({0x8f, 0x04, 0x24});  // pop [rsp]
  EXPECT_EQ(guest.reg(RSP), rsp + 8);
  EXPECT_EQ(top(), 0x1234U);
}

TEST_F(Stack, ImmediatesAreSignExtended) {
  guest.run({0x6a, 0xff});
  EXPECT_EQ(top(), ~u64{0});
  guest.run({0x68, 0x00, 0x00, 0x00, 0x80});
  EXPECT_EQ(top(), 0xffffffff80000000U);
}

TEST_F(Stack, A16BitPushMovesByTwo) {
  const u64 rsp = guest.reg(RSP);
  guest.run({0x66, 0x50});
  EXPECT_EQ(guest.reg(RSP), rsp - 2);
}

TEST_F(Stack, FlagsAreCopiedWithoutTheirTransientBits) {
  guest.state().rflags = 2 | kCF | kRF;
  guest.run({0x9c});
  EXPECT_EQ(top(), 2 | kCF);
  guest.store_value<u64>(guest.reg(RSP) - guest.address(0), kZF | kID | kAC | kVM);
  guest.run({0x9d});
  EXPECT_EQ(guest.state().rflags, 2 | kZF | kID | kAC);
}

TEST_F(Stack, UserCodeCannotEnableInterruptsThroughFlags) {
  guest.enter_long_mode(true);
  guest.store_value<u64>(guest.reg(RSP) - guest.address(0), kIF | kIOPL | kCF);
  guest.run({0x9d});
  EXPECT_EQ(guest.state().rflags, 2 | kCF);
}

TEST_F(Stack, EnterBuildsNestedFrames) {
  const u64 rsp = guest.reg(RSP);
  const u64 outer = guest.address(TestGuest::kData + 64);
  guest.store_value<u64>(TestGuest::kData + 56, 0xaaaa);
  guest.reg(RBP) = outer;
  guest.run({0xc8, 0x20, 0x00, 0x02});  // enter 32, 2
  const u64 frame = rsp - 8;
  EXPECT_EQ(guest.reg(RBP), frame);
  EXPECT_EQ(guest.load_value<u64>(frame - guest.address(0)), outer);
  EXPECT_EQ(guest.load_value<u64>(frame - 8 - guest.address(0)), 0xaaaaU);
  EXPECT_EQ(guest.load_value<u64>(frame - 16 - guest.address(0)), frame);
  EXPECT_EQ(guest.reg(RSP), frame - 16 - 32);
  guest.run({0xc9});  // leave
  EXPECT_EQ(guest.reg(RSP), rsp);
  EXPECT_EQ(guest.reg(RBP), outer);
}

TEST_F(Stack, PushAllAndPopAllAreInverse) {
  guest.enter_protected_mode();
  for (u8 n = 0; n < 8; ++n)
    if (n != RSP) guest.reg(static_cast<Gpr>(n)) = 0x1000U + n;
  const u64 esp = guest.reg(RSP);
  guest.run({0x60});
  EXPECT_EQ(guest.reg(RSP), esp - 32);
  EXPECT_EQ(guest.load_value<u32>(esp - 20 - guest.address(0)), static_cast<u32>(esp));
  for (u8 n = 0; n < 8; ++n)
    if (n != RSP) guest.reg(static_cast<Gpr>(n)) = 0;
  guest.run({0x61});
  for (u8 n = 0; n < 8; ++n) {
    if (n == RSP) continue;
    EXPECT_EQ(guest.reg(static_cast<Gpr>(n)), 0x1000U + n);
  }
  EXPECT_EQ(guest.reg(RSP), esp);
}

TEST_F(Stack, A16BitStackWraps) {
  guest.enter_real_mode();
  guest.reg(RSP) = 0x12340000;
  guest.reg(RAX) = 0xbeef;
  guest.run({0x50});
  EXPECT_EQ(guest.reg(RSP), 0x1234fffeU);
  EXPECT_EQ(guest.load_value<u16>(0xfffe), 0xbeef);
}

TEST_F(Stack, LoadingSsHoldsInterruptsOffForOneInstruction) {
  guest.enter_protected_mode();
  guest.store_value<u32>(guest.reg(RSP) - guest.address(0), TestGuest::kData0);
  guest.run({0x17});  // pop ss
  EXPECT_EQ(guest.state().interrupt_shadow, kShadowSs);
  guest.run({0x90});
  EXPECT_EQ(guest.state().interrupt_shadow, 0);
}

}  // namespace
}  // namespace backplane::x86::testing
