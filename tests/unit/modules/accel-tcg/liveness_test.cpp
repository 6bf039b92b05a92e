// SPDX-License-Identifier: MIT
// Which flags are live where, and until which instruction.
#include <gtest/gtest.h>

#include "scanned.h"

namespace backplane::tcg::testing {
namespace {

using Code = Xbyak::CodeGenerator;

TEST(Liveness, WhatTheNextInstructionOverwritesIsDead) {
  const Scanned s([](Code& c) {
    c.add(c.rax, c.rbx);
    c.xor_(c.ecx, c.ecx);
  });
  EXPECT_EQ(s[0].flags_live_after, 0);
  EXPECT_EQ(s[1].flags_live_after, kFlagsAll);
}

TEST(Liveness, AnAccessToMemoryMayShowThem) {
  const Scanned s([](Code& c) {
    c.add(c.rax, c.rbx);
    c.mov(c.rdx, c.ptr[c.rdi]);
    c.xor_(c.ecx, c.ecx);
  });
  EXPECT_EQ(s[0].flags_live_after, kFlagsAll);
  EXPECT_EQ(s[0].flags_read_after, 0);
  EXPECT_EQ(s[1].flags_live_after, 0);
  EXPECT_EQ(s[1].flags_needed_until, 1);
}

TEST(Liveness, IncrementKeepsTheCarryOfBefore) {
  const Scanned s([](Code& c) {
    c.add(c.rax, c.rbx);
    c.inc(c.rcx);
    c.adc(c.rdx, c.rbp);
  });
  EXPECT_EQ(s[0].flags_live_after, kFlagC);
  EXPECT_EQ(s[0].flags_read_after, kFlagC);
  EXPECT_EQ(s[1].flags_needed_until, 2);
}

TEST(Liveness, AShiftByCLMayLeaveThemAsTheyWere) {
  const Scanned s([](Code& c) {
    c.cmp(c.rax, c.rbx);
    c.shl(c.rdx, c.cl);
    c.xor_(c.ecx, c.ecx);
  });
  EXPECT_EQ(s[0].flags_live_after, 0);
  const Scanned kept([](Code& c) {
    c.cmp(c.rax, c.rbx);
    c.shl(c.rdx, c.cl);
    c.setz(c.al);
    c.xor_(c.ecx, c.ecx);
  });
  EXPECT_EQ(kept[0].flags_live_after, kFlagZ);
}

TEST(Liveness, LooksAtWhatAJumpLeadsTo) {
  const Scanned s([](Code& c) {
    Xbyak::Label away;
    c.cmp(c.rax, c.rbx);
    c.jz(away);
    c.xor_(c.edx, c.edx);
    c.hlt();
    c.L(away);
    c.setc(c.cl);
    c.test(c.eax, c.eax);
  });
  EXPECT_EQ(s[1].flags_live_after, kFlagC);
  EXPECT_EQ(s[0].flags_live_after, kFlagC | kFlagZ);
}

TEST(Liveness, KnowsNothingOfAnotherPage) {
  const Scanned s([](Code& c) {
    c.cmp(c.rax, c.rbx);
    c.jz(c.getCode() + 2 * kPageSize);
    c.xor_(c.edx, c.edx);
  });
  EXPECT_EQ(s[0].flags_live_after, kFlagsAll);
}

TEST(Liveness, IsNotLookedForBeyondABlockIfThatIsForbidden) {
  ScanLimits limits;
  limits.look_ahead = false;
  limits.instructions = 1;
  const auto code = [](Code& c) {
    c.add(c.rax, c.rbx);
    c.xor_(c.ecx, c.ecx);
  };
  EXPECT_EQ(Scanned(code, limits)[0].flags_live_after, kFlagsAll);
  limits.look_ahead = true;
  EXPECT_EQ(Scanned(code, limits)[0].flags_live_after, 0);
}

TEST(Liveness, TheLastThatNeedsThemMayBeBehindTheBlock) {
  const Scanned s([](Code& c) {
    c.add(c.rax, c.rbx);
    c.lea(c.rcx, c.ptr[c.rdx]);
  });
  EXPECT_EQ(s[1].flags_needed_until, s.insns().size());
}

}  // namespace
}  // namespace backplane::tcg::testing
