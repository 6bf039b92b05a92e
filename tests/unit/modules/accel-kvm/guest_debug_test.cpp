// SPDX-License-Identifier: MIT
#include "vcpu/guest_debug.h"

#include <gtest/gtest.h>

#include "backplane/x86/state.h"

namespace backplane::kvm {
namespace {

Watchpoint writes(u64 address, u64 size) { return {address, size, false, true}; }

std::vector<std::pair<u64, unsigned>> pieces(const Watchpoint& watched) {
  std::vector<std::pair<u64, unsigned>> found;
  for (const DebugRegisterUse& use : assign_debug_registers({{}, {watched}}))
    found.emplace_back(use.address, use.size);
  return found;
}

TEST(GuestDebug, CutsWatchpointsAsTheProcessorAlignsThem) {
  using Pieces = std::vector<std::pair<u64, unsigned>>;
  EXPECT_EQ(pieces(writes(0x1000, 8)), (Pieces{{0x1000, 8}}));
  EXPECT_EQ(pieces(writes(0x1001, 1)), (Pieces{{0x1001, 1}}));
  EXPECT_EQ(pieces(writes(0x1001, 4)), (Pieces{{0x1001, 1}, {0x1002, 2}, {0x1004, 1}}));
  EXPECT_EQ(pieces(writes(0x1004, 12)), (Pieces{{0x1004, 4}, {0x1008, 8}}));
  EXPECT_EQ(pieces(writes(0x1000, 32)).size(), 4u);
}

TEST(GuestDebug, HasFourRegisters) {
  EXPECT_EQ(assign_debug_registers({{1, 2, 3, 4}, {}}).size(), 4u);
  EXPECT_THROW(assign_debug_registers({{1, 2, 3, 4, 5}, {}}), Error);
  EXPECT_THROW(assign_debug_registers({{1, 2, 3, 4}, {writes(0, 1)}}), Error);
  EXPECT_THROW(assign_debug_registers({{}, {writes(0x1000, 33)}}), Error);
  EXPECT_THROW(assign_debug_registers({{}, {writes(1, ~u64{1})}}), Error);
}

TEST(GuestDebug, SaysWhichRegisterItWas) {
  GuestDebug debug(true);
  debug.set_points(assign_debug_registers({{0x5000}, {writes(0x6004, 12)}}));
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
  debug.set_points(assign_debug_registers({{0x5000}, {}}));
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
