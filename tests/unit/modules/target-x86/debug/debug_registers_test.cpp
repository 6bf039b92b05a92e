// SPDX-License-Identifier: MIT
#include "backplane/x86/debug_registers.h"

#include <gtest/gtest.h>

#include "backplane/error.h"

namespace backplane::x86 {
namespace {

Watchpoint writes(u64 address, u64 size) { return {address, size, false, true}; }

std::vector<DebugRegisterUse> assigned(const DebugPoints& points) {
  return assign_debug_registers(points, "KVM");
}

std::vector<std::pair<u64, unsigned>> pieces(const Watchpoint& watched) {
  std::vector<std::pair<u64, unsigned>> found;
  for (const DebugRegisterUse& use : assigned({{}, {watched}}))
    found.emplace_back(use.address, use.size);
  return found;
}

TEST(FourDebugRegisters, CutWatchpointsAsTheProcessorAlignsThem) {
  using Pieces = std::vector<std::pair<u64, unsigned>>;
  EXPECT_EQ(pieces(writes(0x1000, 8)), (Pieces{{0x1000, 8}}));
  EXPECT_EQ(pieces(writes(0x1001, 1)), (Pieces{{0x1001, 1}}));
  EXPECT_EQ(pieces(writes(0x1001, 4)), (Pieces{{0x1001, 1}, {0x1002, 2}, {0x1004, 1}}));
  EXPECT_EQ(pieces(writes(0x1004, 12)), (Pieces{{0x1004, 4}, {0x1008, 8}}));
  EXPECT_EQ(pieces(writes(0x1000, 32)).size(), 4u);
}

TEST(FourDebugRegisters, AreFour) {
  EXPECT_EQ(assigned({{1, 2, 3, 4}, {}}).size(), 4u);
  EXPECT_THROW(assigned({{1, 2, 3, 4, 5}, {}}), Error);
  EXPECT_THROW(assigned({{1, 2, 3, 4}, {writes(0, 1)}}), Error);
  EXPECT_THROW(assigned({{}, {writes(0x1000, 33)}}), Error);
  EXPECT_THROW(assigned({{}, {writes(1, ~u64{1})}}), Error);
}

TEST(FourDebugRegisters, AreEnabledForWhatIsWanted) {
  EXPECT_EQ(debug_control({.address = 1, .watchpoint = {}}, 0), 0x2u);
  EXPECT_EQ(debug_control({8, 8, false, writes(8, 8)}, 1), 0x8u | 0x9u << 20);
  EXPECT_EQ(debug_control({4, 4, false, {4, 4, true, false}}, 3), 0x80u | u64{0xf} << 28);
}

TEST(FourDebugRegisters, TellWhatWasMet) {
  const auto uses = assigned({{0x5000}, {writes(0x6004, 12)}});
  EXPECT_FALSE(debug_stop_of(uses, 0x4000));
  EXPECT_EQ(debug_stop_of(uses, 1)->address, 0x5000u);
  EXPECT_EQ(debug_stop_of(uses, 4)->address, 0x6008u);
  EXPECT_FALSE(debug_stop_of(uses, 8)) << "a register of nobody's";
}

}  // namespace
}  // namespace backplane::x86
