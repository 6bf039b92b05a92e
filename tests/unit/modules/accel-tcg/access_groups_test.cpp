// SPDX-License-Identifier: MIT
// Which accesses share a check, and how long its host address is good.
#include <gtest/gtest.h>

#include "scanned.h"
#include "translate/host_pointers.h"

namespace backplane::tcg::testing {
namespace {

using Code = Xbyak::CodeGenerator;

AccessGroup group_of_first(const Scanned& s) {
  MemoryAccess access;
  if (operand_access(s[0].insn, access))
    return access_group(s.insns(), 0, AccessPart::Operand, access, true);
  EXPECT_TRUE(stack_access(s[0].insn, access));
  return access_group(s.insns(), 0, AccessPart::Stack, access, true);
}

TEST(AccessGroups, SpanFieldsOnBothSidesOfTheFirst) {
  const AccessGroup g = group_of_first(Scanned([](Code& c) {
    c.mov(c.rax, c.qword[c.rdi + 16]);
    c.mov(c.ecx, c.dword[c.rdi]);
    c.mov(c.byte[c.rdi + 32], c.dl);
  }));
  EXPECT_EQ(g.low, 0);
  EXPECT_EQ(g.high, 33);
  EXPECT_TRUE(g.write);
  EXPECT_EQ(g.others, 2u);
  EXPECT_EQ(g.last_insn, 2u);
}

TEST(AccessGroups, FollowARegisterThatMovesByAConstant) {
  const AccessGroup g = group_of_first(Scanned([](Code& c) {
    c.mov(c.rax, c.qword[c.rsi]);
    c.add(c.rsi, 8);
    c.mov(c.rcx, c.qword[c.rsi]);
  }));
  EXPECT_EQ(g.low, 0);
  EXPECT_EQ(g.high, 16);
}

TEST(AccessGroups, EndWhereTheRegisterGetsAnotherValue) {
  const AccessGroup g = group_of_first(Scanned([](Code& c) {
    c.mov(c.rax, c.qword[c.rsi]);
    c.mov(c.rsi, c.rdi);
    c.mov(c.rcx, c.qword[c.rsi]);
  }));
  EXPECT_EQ(g.others, 0u);
}

TEST(AccessGroups, AskForNoRightThatAJumpMayMakeNeedless) {
  const AccessGroup g = group_of_first(Scanned([](Code& c) {
    Xbyak::Label away;
    c.mov(c.rax, c.qword[c.rsi]);
    c.jz(away);
    c.mov(c.qword[c.rsi + 8], c.rcx);
    c.mov(c.rdx, c.qword[c.rsi + 16]);
    c.L(away);
  }));
  EXPECT_FALSE(g.write);
  EXPECT_EQ(g.high, 24);
  EXPECT_EQ(g.others, 1u) << "the load";
}

TEST(AccessGroups, LeaveOutWhatIsFarAway) {
  const AccessGroup g = group_of_first(Scanned([](Code& c) {
    c.mov(c.rax, c.qword[c.rsi]);
    c.mov(c.rcx, c.qword[c.rsi + 600]);
  }));
  EXPECT_EQ(g.others, 0u);
}

TEST(AccessGroups, OfTheStackAreRelativeToItsPointer) {
  const AccessGroup g = group_of_first(Scanned([](Code& c) {
    c.push(c.rbx);
    c.push(c.rbp);
    c.mov(c.rax, c.qword[c.rsp + 16]);
    c.pop(c.rcx);
  }));
  EXPECT_EQ(g.low, -16);
  EXPECT_EQ(g.high, 8);
  EXPECT_EQ(g.others, 3u);
}

class HeldPointer : public ::testing::Test {
 protected:
  HeldPointer() { pointers.hold(kT2, key, group); }

  static constexpr AddressKey key{x86::RSI, AddressKey::kNone, 0};
  static constexpr AccessGroup group{
      .low = 0, .high = 16, .write = false, .others = 1, .last_insn = 3};
  MemoryAccess load{.key = key, .displacement = 8, .size = 8, .write = false};
  HostPointers pointers;
};

TEST_F(HeldPointer, IsFoundForWhatWasChecked) {
  const auto found = pointers.find(load);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->reg, kT2);
  EXPECT_EQ(found->displacement, 8);
}

TEST_F(HeldPointer, IsNotFoundForMoreBytesOrRights) {
  load.displacement = 9;
  EXPECT_FALSE(pointers.find(load));
  load = {.key = key, .displacement = 0, .size = 8, .write = true};
  EXPECT_FALSE(pointers.find(load));
}

TEST_F(HeldPointer, MovesWithItsRegister) {
  pointers.apply({.shifted = x86::RSI, .shift = 8});
  load.displacement = 0;
  const auto found = pointers.find(load);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->displacement, 8);
}

TEST_F(HeldPointer, IsForgottenWithItsRegisters) {
  pointers.apply({.written = 1 << x86::RSI});
  EXPECT_FALSE(pointers.find(load));
  pointers.hold(kT2, key, group);
  pointers.forget(kT2);
  EXPECT_FALSE(pointers.find(load));
}

TEST_F(HeldPointer, IsWantedUpToTheGroupsLastInstruction) {
  EXPECT_TRUE(pointers.wanted(kT2, 3));
  EXPECT_FALSE(pointers.wanted(kT2, 4));
  EXPECT_FALSE(pointers.wanted(kT0, 0));
}

}  // namespace
}  // namespace backplane::tcg::testing
