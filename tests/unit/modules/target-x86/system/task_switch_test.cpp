// SPDX-License-Identifier: MIT
#include "../guest.h"
#include "backplane/x86/interpreter.h"

namespace backplane::x86::testing {
namespace {

class TaskSwitches : public ::testing::Test {
 protected:
  static constexpr u64 kOther = 0xa000;
  static constexpr u16 kOtherSelector = Guest::kSpare, kGate = Guest::kSpareUpper;

  Guest guest;
  X86State& s() { return guest.state(); }
  Context c() { return guest.context(); }
  void SetUp() override {
    guest.enter_protected_mode();
    guest.set_descriptor(Guest::kTssSelector, Guest::descriptor(Guest::kTss, 0x67, 0x8b));
    guest.set_descriptor(kOtherSelector, Guest::descriptor(kOther, 0x67, 0x89));
    guest.set_descriptor(kGate, Guest::gate(kOtherSelector, 0, 5));
    field(kOther, 32, 0x7000);
    field(kOther, 36, 2);
    for (unsigned i = 0; i < 8; ++i) field(kOther, 40 + 4 * i, 0x100 * i);
    field(kOther, 56, Guest::kIstStack);
    const u16 selectors[] = {Guest::kData0, Guest::kCode32, Guest::kData0, Guest::kData0, 0, 0};
    for (unsigned i = 0; i < 6; ++i) field(kOther, 72 + 4 * i, selectors[i]);
    field(kOther, 96, 0);
  }
  void field(u64 tss, unsigned offset, u32 value) { guest.store<u32>(tss + offset, value); }
  u8 access(u16 selector) { return guest.load<u8>(Guest::kGdt + selector + 5); }
};

TEST_F(TaskSwitches, AJumpSavesTheOldTaskAndLoadsTheNew) {
  guest.reg(RBX) = 0xbbbb;
  far_jump(c(), kOtherSelector, 0, 4, kNextRip);
  EXPECT_EQ(s().rip, 0x7000u);
  EXPECT_EQ(guest.reg(RBX), 0x300u);
  EXPECT_EQ(guest.reg(RSP), Guest::kIstStack);
  EXPECT_EQ(s().tr.selector, kOtherSelector);
  EXPECT_TRUE(s().cr0 & kCr0TS);
  EXPECT_EQ(guest.load<u32>(Guest::kTss + 32), kNextRip);
  EXPECT_EQ(guest.load<u32>(Guest::kTss + 52), 0xbbbbu);
  EXPECT_EQ(guest.load<u16>(Guest::kTss + 76), Guest::kCode32);
  EXPECT_EQ(access(Guest::kTssSelector), 0x89) << "no longer busy";
  EXPECT_EQ(access(kOtherSelector), 0x8b);
}

TEST_F(TaskSwitches, ACallNestsAndIretReturns) {
  far_call(c(), kGate, 0, 4, 0x1240);
  EXPECT_TRUE(s().rflags & kNT);
  EXPECT_EQ(guest.load<u16>(kOther), Guest::kTssSelector);
  EXPECT_EQ(access(Guest::kTssSelector), 0x8b) << "still busy";
  iret(c(), 4, kNextRip);
  EXPECT_EQ(s().tr.selector, Guest::kTssSelector);
  EXPECT_EQ(s().rip, 0x1240u);
  EXPECT_FALSE(s().rflags & kNT);
  EXPECT_EQ(access(kOtherSelector), 0x89);
  EXPECT_EQ(guest.load<u32>(kOther + 32), kNextRip) << "where the next call goes on";
}

TEST_F(TaskSwitches, ATaskGateHandlesADoubleFault) {
  guest.set_gate(8, Guest::gate(kOtherSelector, 0, 5));
  deliver_exception(c(), {.vector = kGP, .has_error_code = true, .error_code = 0});
  EXPECT_EQ(s().tr.selector, kOtherSelector);
  EXPECT_EQ(s().rip, 0x7000u);
  EXPECT_EQ(guest.load<u32>(guest.reg(RSP)), 0u) << "the error code";
  EXPECT_EQ(guest.load<u32>(Guest::kTss + 32), 0x1234u);
}

// [SDM 3B "Task-Switch Exception Condition"]
TEST_F(TaskSwitches, ATaskWithItsTrapFlagSetTrapsBeforeItsFirstInstruction) {
  Interpreter interpreter(guest.cpu(), guest.context().memory);
  const auto step_into_handler = [&] {
    s().dr[6] = 0;
    EXPECT_EQ(interpreter.step(), Interpreter::Step::Exception);
    EXPECT_EQ(s().rip, Guest::kHandler);
    EXPECT_EQ(s().dr[6], kDr6BT);
    EXPECT_EQ(guest.load<u32>(guest.reg(RSP)), 0x7000u);
  };
  guest.set_gate(kDB, Guest::gate(Guest::kCode32, Guest::kHandler, 14));
  guest.set_gate(0x40, Guest::gate(kOtherSelector, 0, 5));
  field(kOther, 100, 1);
  // By a jump, at its end; by an interrupt, when the task is to go on.
  guest.store<u32>(kRip, 0xea);
  guest.store<u32>(kRip + 5, kOtherSelector);
  step_into_handler();
  SetUp();
  field(kOther, 100, 1);
  deliver_event(c(), EventKind::External, 0x40, 0);
  step_into_handler();
}

// [SDM 3B "Instruction-Breakpoint Exception Condition"]
TEST_F(TaskSwitches, AFaultSavesRfInTheTaskThatItLeaves) {
  guest.set_gate(kGP, Guest::gate(kOtherSelector, 0, 5));
  deliver_exception(c(), {.vector = kGP, .has_error_code = true, .error_code = 0});
  EXPECT_TRUE(guest.load<u32>(Guest::kTss + 36) & kRF);
  EXPECT_FALSE(s().rflags & kRF);
}

TEST_F(TaskSwitches, AnInterruptLeavesRfAsItWasAndTheNewTaskHasItsOwn) {
  guest.set_gate(0x80, Guest::gate(kOtherSelector, 0, 5));
  field(kOther, 36, 2 | kRF);
  deliver_event(c(), EventKind::SoftwareInt, 0x80, kNextRip);
  EXPECT_FALSE(guest.load<u32>(Guest::kTss + 36) & kRF);
  EXPECT_TRUE(s().rflags & kRF);
}

TEST_F(TaskSwitches, ABusyTaskIsNotEntered) {
  guest.set_descriptor(kOtherSelector, Guest::descriptor(kOther, 0x67, 0x8b));
  expect_fault(kGP, kOtherSelector, [&] { far_jump(c(), kOtherSelector, 0, 4, kNextRip); });
  guest.set_descriptor(kOtherSelector, Guest::descriptor(kOther, 0x66, 0x89));
  expect_fault(kTS, kOtherSelector, [&] { far_jump(c(), kOtherSelector, 0, 4, kNextRip); });
  EXPECT_EQ(s().rip, 0x1234u);
}

TEST_F(TaskSwitches, ABadSegmentFaultsInTheNewTask) {
  field(kOther, 72, Guest::kTssSelector);
  expect_fault(kTS, Guest::kTssSelector, [&] { far_jump(c(), kOtherSelector, 0, 4, kNextRip); });
  EXPECT_EQ(s().tr.selector, kOtherSelector);
  EXPECT_EQ(s().rip, 0x7000u);
}

TEST_F(TaskSwitches, SixteenBitTasks) {
  guest.set_descriptor(kOtherSelector, Guest::descriptor(kOther, 0x2b, 0x81));
  for (unsigned i = 0; i < 0x2c; i += 2) guest.store<u16>(kOther + i, 0);
  guest.store<u16>(kOther + 14, 0x7100);
  guest.store<u16>(kOther + 16, 2);
  guest.store<u16>(kOther + 18, 0xaaaa);
  guest.store<u16>(kOther + 36, Guest::kCode32);
  guest.store<u16>(kOther + 38, Guest::kData0);
  s().rflags |= kAC | kID | kRF;
  far_jump(c(), kOtherSelector, 0, 4, kNextRip);
  EXPECT_EQ(s().rip, 0x7100u);
  EXPECT_EQ(guest.reg(RAX) & 0xffff, 0xaaaau);
  EXPECT_EQ(s().rflags, 2U) << "its flags have no upper half";
}

TEST_F(TaskSwitches, ASixteenBitTaskIsNoVirtual8086One) {
  guest.set_descriptor(kOtherSelector, Guest::descriptor(kOther, 0x2b, 0x81));
  for (unsigned i = 0; i < 0x2c; i += 2) guest.store<u16>(kOther + i, 0);
  guest.store<u16>(kOther + 14, 0x7100);
  guest.store<u16>(kOther + 16, 2 | kCF);
  guest.store<u16>(kOther + 36, Guest::kCode32);
  guest.store<u16>(kOther + 38, Guest::kData0);
  guest.enter_virtual8086_mode();
  s().tr = {Guest::kTssSelector, 0x8b, 0x67, Guest::kTss};
  guest.set_descriptor(Guest::kTssSelector, Guest::descriptor(Guest::kTss, 0x67, 0x8b));
  guest.set_descriptor(kOtherSelector, Guest::descriptor(kOther, 0x2b, 0x81));
  guest.set_gate(0x40, Guest::gate(kOtherSelector, 0, 5));
  deliver_event(c(), EventKind::External, 0x40, 0);
  EXPECT_EQ(s().tr.selector, kOtherSelector);
  EXPECT_EQ(s().rflags, 2 | kCF | kNT);
  EXPECT_EQ(s().cpl(), 0u);
  EXPECT_EQ(s().seg[CS].selector, Guest::kCode32);
  EXPECT_TRUE(guest.load<u32>(Guest::kTss + 36) & kVM) << "the task that was left";
}

}  // namespace
}  // namespace backplane::x86::testing
