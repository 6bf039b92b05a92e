// SPDX-License-Identifier: MIT
#include "vcpu/guest_debug.h"

#include <gtest/gtest.h>

#include "backplane/x86/state.h"

namespace backplane::kvm {
namespace {

Watchpoint writes(u64 address, u64 size) { return {address, size, false, true}; }

std::vector<DebugRegisterUse> assigned(const DebugPoints& points) {
  return x86::assign_debug_registers(points, "KVM");
}

TEST(GuestDebug, SaysWhichRegisterItWas) {
  GuestDebug debug(true);
  debug.set_points(assigned({{0x5000}, {writes(0x6004, 12)}}));
  kvm_debug_exit_arch exit{};
  exit.dr6 = 1;
  EXPECT_EQ(debug.stop_for(exit).reason, DebugStop::Reason::Code);
  EXPECT_EQ(debug.stop_for(exit).address, 0x5000u);
  exit.dr6 = 4;
  EXPECT_EQ(debug.stop_for(exit).reason, DebugStop::Reason::Data);
  EXPECT_EQ(debug.stop_for(exit).address, 0x6008u);
  EXPECT_EQ(debug.stop_for(exit).watchpoint, writes(0x6004, 12));
}

TEST(GuestDebug, MeetsNoBreakpointInAStep) {
  GuestDebug debug(true);
  debug.set_points(assigned({{0x5000}, {}}));
  debug.set_step(DebugStep::Instruction);
  kvm_debug_exit_arch exit{};
  exit.dr6 = x86::kDr6BS | 1;
  EXPECT_EQ(debug.stop_for(exit).reason, DebugStop::Reason::Step);
}

TEST(GuestDebug, TellsTheKernelWhatHasChangedAlone) {
  GuestDebug debug(true);
  EXPECT_FALSE(debug.changed());
  debug.set_step(DebugStep::None);
  debug.set_points({});
  EXPECT_FALSE(debug.changed());
  debug.set_step(DebugStep::Instruction);
  EXPECT_TRUE(debug.changed());
}

}  // namespace
}  // namespace backplane::kvm
