// SPDX-License-Identifier: MIT
#include "../guest.h"

namespace backplane::x86::testing {
namespace {

class FarTransfers : public ::testing::Test {
 protected:
  Guest guest;
  X86State& s() { return guest.state(); }
  Context c() { return guest.context(); }
};

constexpr u16 kSpare = Guest::kSpare;

TEST_F(FarTransfers, RealModeJump) {
  guest.enter_real_mode();
  far_jump(c(), 0x2000, 0x5678, 2, kNextRip);
  EXPECT_EQ(s().seg[CS].base, 0x20000u);
  EXPECT_EQ(s().rip, 0x5678u);
  expect_fault(kGP, 0, [&] { far_jump(c(), 0x2000, 0x10000, 4, kNextRip); });
}

TEST_F(FarTransfers, RealModeCallAndReturn) {
  guest.enter_real_mode();
  far_call(c(), 0x2000, 0x10, 2, 0x105);
  EXPECT_EQ(guest.reg(RSP), 0x7ffcu);
  far_return(c(), 2, 6);
  EXPECT_EQ(s().seg[CS].selector, 0x1000);
  EXPECT_EQ(s().rip, 0x105u);
  EXPECT_EQ(guest.reg(RSP), 0x8006u);
}

TEST_F(FarTransfers, AJumpSwitchesBetweenCompatibilityAnd64BitMode) {
  guest.enter_long_mode();
  far_jump(c(), Guest::kCode32, 0x1'0000'2000, 4, kNextRip);
  EXPECT_FALSE(s().code64());
  EXPECT_EQ(s().rip, 0x2000u);
  far_jump(c(), Guest::kCode64, 0x3000, 4, kNextRip);
  EXPECT_TRUE(s().code64());
}

struct JumpCase {
  const char* name;
  u16 attributes, selector;
  unsigned cpl;
  int vector;
  u32 error;
};
class FarJumps : public FarTransfers, public ::testing::WithParamInterface<JumpCase> {};

TEST_P(FarJumps, FollowTheTable) {
  const JumpCase& j = GetParam();
  guest.enter_protected_mode(j.cpl);
  guest.set_descriptor(kSpare, Guest::descriptor(0, 0xffff, j.attributes));
  const auto jump = [&] { far_jump(c(), j.selector, 0x100, 4, kNextRip); };
  if (j.vector >= 0) return expect_fault(static_cast<u8>(j.vector), j.error, jump);
  jump();
  EXPECT_EQ(s().rip, 0x100u);
  EXPECT_EQ(s().cpl(), j.cpl);
  EXPECT_EQ(s().seg[CS].selector & 3u, j.cpl);
}

INSTANTIATE_TEST_SUITE_P(
    Table, FarJumps,
    ::testing::Values(JumpCase{"null", 0, 0, 0, kGP, 0},
                      JumpCase{"beyond_the_limit", 0, 0x100, 0, kGP, 0x100},
                      JumpCase{"data", 0x93, kSpare, 0, kGP, kSpare},
                      JumpCase{"code", 0x9b, kSpare, 0, -1, 0},
                      JumpCase{"code_not_present", 0x1b, kSpare, 0, kNP, kSpare},
                      JumpCase{"inner_code", 0x9b, kSpare, 3, kGP, kSpare},
                      JumpCase{"inner_conforming_code", 0x9f, kSpare, 3, -1, 0},
                      JumpCase{"outer_code", 0xfb, kSpare, 0, kGP, kSpare},
                      JumpCase{"outer_conforming_code", 0xff, kSpare, 0, kGP, kSpare},
                      JumpCase{"RPL_above_CPL", 0x9b, kSpare | 3, 0, kGP, kSpare},
                      JumpCase{"local_table", 0x82, kSpare, 0, kGP, kSpare}),
    [](const auto& info) { return info.param.name; });

TEST_F(FarTransfers, AnOffsetBeyondTheLimitFaultsAndPushesNothing) {
  guest.enter_protected_mode();
  guest.set_descriptor(kSpare, Guest::descriptor(0, 0xfff, 0x409b));
  expect_fault(kGP, 0, [&] { far_call(c(), kSpare, 0x1000, 4, 0x1240); });
  EXPECT_EQ(guest.reg(RSP), Guest::kStack);
}

TEST_F(FarTransfers, CallAndReturnAtTheSameLevel) {
  guest.enter_protected_mode();
  far_call(c(), Guest::kCode32, 0x4000, 4, 0x1240);
  EXPECT_EQ(guest.load<u32>(Guest::kStack - 8), 0x1240u);
  EXPECT_EQ(guest.load<u32>(Guest::kStack - 4), Guest::kCode32);
  far_return(c(), 4, 0);
  EXPECT_EQ(s().rip, 0x1240u);
  EXPECT_EQ(guest.reg(RSP), Guest::kStack);
}

TEST_F(FarTransfers, ACallGateRaisesPrivilegeAndCopiesParameters) {
  guest.enter_protected_mode(3);
  guest.set_descriptor(kSpare, Guest::gate(Guest::kCode32, 0x4000, 0xc, 3, 2));
  guest.store<u32>(Guest::kStack, 0x11111111);
  guest.store<u32>(Guest::kStack + 4, 0x22222222);
  far_call(c(), kSpare | 3, 0, 4, 0x1240);
  EXPECT_EQ(s().cpl(), 0u);
  EXPECT_EQ(s().rip, 0x4000u);
  const u64 sp = guest.reg(RSP);
  EXPECT_EQ(sp, Guest::kInnerStack - 24);
  EXPECT_EQ(guest.load<u32>(sp), 0x1240u);
  EXPECT_EQ(guest.load<u32>(sp + 4), Guest::kUserCode32);
  EXPECT_EQ(guest.load<u32>(sp + 8), 0x11111111u);
  EXPECT_EQ(guest.load<u32>(sp + 12), 0x22222222u);
  EXPECT_EQ(guest.load<u32>(sp + 16), Guest::kStack);

  load_segment(c(), DS, Guest::kData0);
  far_return(c(), 4, 8);
  EXPECT_EQ(s().cpl(), 3u);
  EXPECT_EQ(s().rip, 0x1240u);
  EXPECT_EQ(guest.reg(RSP), Guest::kStack + 8);
  EXPECT_EQ(s().seg[DS].selector, 0) << "the inner segment is dropped";
}

TEST_F(FarTransfers, AJumpThroughACallGateMustStayAtItsLevel) {
  guest.enter_protected_mode(3);
  guest.set_descriptor(kSpare, Guest::gate(Guest::kCode32, 0x4000, 0xc, 3));
  expect_fault(kGP, Guest::kCode32, [&] { far_jump(c(), kSpare | 3, 0, 4, kNextRip); });
  guest.enter_protected_mode(0);
  far_jump(c(), kSpare, 0, 4, kNextRip);
  EXPECT_EQ(s().rip, 0x4000u);
}

TEST_F(FarTransfers, LongModeCallGate) {
  guest.enter_long_mode(3);
  guest.store<u64>(Guest::kTss + 4, Guest::kInnerStack);
  guest.set_descriptor(kSpare, Guest::gate(Guest::kCode64, 0x4000, 0xc, 3));
  guest.store<u64>(Guest::kGdt + kSpare + 8, 0);
  far_call(c(), kSpare | 3, 0, 4, 0x1240);
  EXPECT_EQ(s().cpl(), 0u);
  EXPECT_EQ(s().seg[SS].selector, 0);
  EXPECT_EQ(guest.load<u64>(guest.reg(RSP)), 0x1240u);
  EXPECT_EQ(guest.load<u64>(guest.reg(RSP) + 24), Guest::kUserData);
  far_return(c(), 8, 0);
  EXPECT_EQ(s().cpl(), 3u);
  EXPECT_EQ(guest.reg(RSP), Guest::kStack);
}

TEST_F(FarTransfers, AReturnNeverRaisesPrivilege) {
  guest.enter_protected_mode(3);
  guest.store<u32>(Guest::kStack, 0x1240);
  guest.store<u32>(Guest::kStack + 4, Guest::kCode32);
  expect_fault(kGP, Guest::kCode32, [&] { far_return(c(), 4, 0); });
}

TEST_F(FarTransfers, TaskGatesDoNotExistInLongMode) {
  guest.enter_long_mode();
  guest.set_descriptor(kSpare, Guest::gate(Guest::kTssSelector, 0, 5));
  expect_fault(kGP, kSpare, [&] { far_jump(c(), kSpare, 0, 4, kNextRip); });
}

// --- IRET ------------------------------------------------------------------------------------

TEST_F(FarTransfers, IretInRealMode) {
  guest.enter_real_mode();
  guest.reg(RSP) = 0x7ffa;
  guest.store<u16>(0x17ffa, 0x222);
  guest.store<u16>(0x17ffc, 0x3000);
  guest.store<u16>(0x17ffe, 0x7fd7);
  iret(c(), 2, kNextRip);
  EXPECT_EQ(s().rip, 0x222u);
  EXPECT_EQ(s().seg[CS].base, 0x30000u);
  EXPECT_EQ(s().rflags, 0x7fd7u);
}

class LongIret : public FarTransfers {
 protected:
  void frame(u64 rip, u64 cs, u64 flags, u64 rsp, u64 ss) {
    const u64 words[] = {rip, cs, flags, rsp, ss};
    for (unsigned i = 0; i < 5; ++i) guest.store<u64>(Guest::kStack + 8 * i, words[i]);
  }
  void SetUp() override { guest.enter_long_mode(); }
};

TEST_F(LongIret, ReturnsToUserCode) {
  frame(0x5000, Guest::kUserCode64, 0x246 | kRF | kVM, 0x60008, Guest::kUserData);
  s().seg[GS] = {0, 0, 0, 0xffff'8880'0000'0000};
  iret(c(), 8, kNextRip);
  EXPECT_EQ(s().rip, 0x5000u);
  EXPECT_EQ(s().cpl(), 3u);
  EXPECT_EQ(guest.reg(RSP), 0x60008u);
  EXPECT_EQ(s().rflags, 0x246 | kRF) << "no virtual-8086 mode in long mode";
  EXPECT_EQ(s().seg[GS].base, 0xffff'8880'0000'0000) << "a null selector keeps its base";
  EXPECT_EQ(s().seg[DS].selector, 0) << "an inner segment is dropped";
}

TEST_F(LongIret, NullsWhatTheOuterLevelMayNotUseAndKeepsTheBasesOfFsAndGs) {
  constexpr u64 kFsBase = 0x7fff'1234'5000, kGsBase = 0xffff'8880'0000'0000;
  s().seg[DS] = {Guest::kData0, Guest::kAttrData, 0xffffffff, 0};
  s().seg[ES] = {3, 0, 0, 0};
  s().seg[FS] = {Guest::kData0, Guest::kAttrData, 0xffffffff, kFsBase};
  s().seg[GS] = {2, 0, 0, kGsBase};
  frame(0x7000, Guest::kUserCode64, 2, 0x5000, Guest::kUserData);
  iret(c(), 8, kNextRip);
  for (const SegReg reg : {DS, ES, FS, GS}) EXPECT_EQ(s().seg[reg].selector, 0u) << reg;
  for (const SegReg reg : {DS, FS}) EXPECT_FALSE(s().seg[reg].present()) << reg;
  EXPECT_EQ(s().seg[FS].base, kFsBase);
  EXPECT_EQ(s().seg[GS].base, kGsBase);
}

TEST_F(LongIret, ReturnsToCompatibilityMode) {
  frame(0x5000, Guest::kUserCode32, 0x202, 0x60008, Guest::kUserData);
  iret(c(), 8, kNextRip);
  EXPECT_FALSE(s().code64());
  EXPECT_EQ(s().cpl(), 3u);
}

TEST_F(LongIret, ReturnsToTheKernelWithANullStackSegment) {
  frame(0x5000, Guest::kCode64, 0x202, 0x60008, 0);
  iret(c(), 8, kNextRip);
  EXPECT_EQ(guest.reg(RSP), 0x60008u);
  EXPECT_EQ(s().cpl(), 0u);
}

TEST_F(LongIret, RefusesWhatItMust) {
  frame(u64{1} << 47, Guest::kUserCode64, 0x202, 0x60008, Guest::kUserData);
  expect_fault(kGP, 0, [&] { iret(c(), 8, kNextRip); });
  frame(0x5000, 0, 0x202, 0x60008, Guest::kUserData);
  expect_fault(kGP, 0, [&] { iret(c(), 8, kNextRip); });
  frame(0x5000, Guest::kUserCode64, 0x202, 0x60008, 0);
  expect_fault(kGP, 0, [&] { iret(c(), 8, kNextRip); });
  frame(0x5000, Guest::kUserCode64, 0x202, 0x60008, Guest::kData0);
  expect_fault(kGP, Guest::kData0, [&] { iret(c(), 8, kNextRip); });
  frame(0x5000, Guest::kUserData, 0x202, 0x60008, Guest::kUserData);
  expect_fault(kGP, Guest::kUserData & ~3u, [&] { iret(c(), 8, kNextRip); });
  s().rflags |= kNT;
  expect_fault(kGP, 0, [&] { iret(c(), 8, kNextRip); });
  EXPECT_EQ(s().rip, 0x1234u);
  EXPECT_EQ(guest.reg(RSP), Guest::kStack);
}

TEST_F(LongIret, UserCodeCannotChangeItsPrivilegeFlags) {
  guest.enter_long_mode(3);
  frame(0x5000, Guest::kUserCode64, 0x3000 | 2, 0x60008, Guest::kUserData);
  iret(c(), 8, kNextRip);
  EXPECT_EQ(s().rflags, 2 | kIF) << "IOPL and IF stay";
}

TEST_F(FarTransfers, IretEntersVirtual8086Mode) {
  guest.enter_protected_mode();
  const u32 words[] = {0x100,  0x2000, static_cast<u32>(kVM | kIF | 2),
                       0x7000, 0x3000, 0x4000,
                       0x5000, 0x6000, 0x7000};
  for (unsigned i = 0; i < 9; ++i) guest.store<u32>(Guest::kStack + 4 * i, words[i]);
  iret(c(), 4, kNextRip);
  EXPECT_EQ(s().cpl(), 3u);
  EXPECT_EQ(s().rflags & kVM, kVM);
  EXPECT_EQ(s().rip, 0x100u);
  EXPECT_EQ(s().seg[CS].base, 0x20000u);
  EXPECT_EQ(s().seg[SS].base, 0x30000u);
  EXPECT_EQ(s().seg[ES].base, 0x40000u);
  EXPECT_EQ(s().seg[GS].base, 0x70000u);
  EXPECT_EQ(guest.reg(RSP), 0x7000u);
}

}  // namespace
}  // namespace backplane::x86::testing
