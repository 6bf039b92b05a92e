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

// 32-bit code on a stack whose pointer is SP. The upper half of ESP stays, and goes with the rest
// where ESP is copied. [SDM 1 "Stack Alignment", SDM 2A "ENTER", APM 3 "ENTER"]
TEST_F(Stack, OperandsWiderThanAStackPointerKeepItsUpperHalf) {
  struct Row {
    std::string_view text;
    std::vector<u8> code;
    u32 esp, ebp, eax;  // afterwards
    u16 at = 0;         // where it stored
    u32 stored = 0;
  };
  static const Row kRows[] = {
      {"enter 8, 0", {0xc8, 8, 0, 0}, 0x29ff4, 0x29ffc, 0x11223344, 0x9ffc, 0x51000},
      {"enter 8, 1", {0xc8, 8, 0, 1}, 0x29ff0, 0x29ffc, 0x11223344, 0x9ff8, 0x29ffc},
      {"enter 8, 2", {0xc8, 8, 0, 2}, 0x29fec, 0x29ffc, 0x11223344, 0x9ff4, 0x29ffc},
      {"enter 8, 0 (16)", {0x66, 0xc8, 8, 0, 0}, 0x29ff6, 0x59ffe, 0x11223344, 0x9ffe, 0x55551000},
      {"enter 8, 1 (16)", {0x66, 0xc8, 8, 0, 1}, 0x29ff4, 0x59ffe, 0x11223344, 0x9ffc, 0x10009ffe},
      {"leave", {0xc9}, 0x21004, 0x55555555, 0x11223344},
      {"leave (16)", {0x66, 0xc9}, 0x21002, 0x55555, 0x11223344},
      {"push eax", {0x50}, 0x29ffc, 0x51000, 0x11223344, 0x9ffc, 0x11223344},
      {"push ax", {0x66, 0x50}, 0x29ffe, 0x51000, 0x11223344, 0x9ffe, 0x55553344},
      {"push esp", {0x54}, 0x29ffc, 0x51000, 0x11223344, 0x9ffc, 0x2a000},
      {"push es", {0x06}, 0x29ffc, 0x51000, 0x11223344},
      {"pusha", {0x60}, 0x29fe0, 0x51000, 0x11223344, 0x9fec, 0x2a000},
      {"popa", {0x61}, 0x2a020, 0x55555555, 0x55555555},
      {"pop eax", {0x58}, 0x2a004, 0x51000, 0x55555555},
      {"pop ax", {0x66, 0x58}, 0x2a002, 0x51000, 0x11225555},
      {"pop esp", {0x5c}, 0x55555555, 0x51000, 0x11223344},
      {"pop sp", {0x66, 0x5c}, 0x25555, 0x51000, 0x11223344},
      {"pushf", {0x9c}, 0x29ffc, 0x51000, 0x11223344, 0x9ffc, 2},
      {"call", {0xe8, 0, 0, 0, 0}, 0x29ffc, 0x51000, 0x11223344},
      {"ret", {0xc3}, 0x2a004, 0x51000, 0x11223344},
      {"ret (16)", {0x66, 0xc3}, 0x2a002, 0x51000, 0x11223344},
      {"ret 7ffch", {0xc2, 0xfc, 0x7f}, 0x22000, 0x51000, 0x11223344},
  };
  for (const Row& row : kRows) {
    guest.enter_protected_mode();
    std::memset(guest.arena.data() + kPageSize, 0x55, TestGuest::kFirstReserved - kPageSize);
    guest.state().seg[SS] = {TestGuest::kData0, 0x0093, 0xffff, guest.address(0)};
    guest.reg(RSP) = 0x2a000;
    guest.reg(RBP) = 0x51000;
    guest.reg(RAX) = 0x11223344;
    guest.load(row.code);
    ASSERT_EQ(guest.step(), Interpreter::Step::Done) << row.text;
    EXPECT_EQ(guest.reg(RSP), row.esp) << row.text;
    EXPECT_EQ(guest.reg(RBP), row.ebp) << row.text;
    EXPECT_EQ(guest.reg(RAX), row.eax) << row.text;
    if (row.at != 0) {
      EXPECT_EQ(guest.load_value<u32>(row.at), row.stored) << row.text;
    }
  }
}

// An address made of ESP is that of after the pop, which moves SP only.
TEST_F(Stack, PopToMemoryMovesA16BitStackPointerBeforeItIsUsed) {
  guest.enter_protected_mode();
  guest.state().seg[SS] = {TestGuest::kData0, 0x0093, 0xffff, guest.address(0)};
  guest.reg(RSP) = 0x2fffc;
  guest.store_value<u32>(0xfffc, 0x1234);
  guest.run({0x8f, 0x84, 0x24, 0x00, 0x50, 0xfe, 0xff});  // pop [esp - 1b000h]
  EXPECT_EQ(guest.reg(RSP), 0x20000U);
  EXPECT_EQ(guest.load_value<u32>(0x5000), 0x1234U);
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
