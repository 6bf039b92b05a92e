// SPDX-License-Identifier: MIT
#include "gdb/breakpoints.h"

#include <gtest/gtest.h>

namespace backplane::host::gdb {
namespace {

TEST(Breakpoints, OfBothKindsAtOneAddressAreOneStop) {
  Breakpoints points;
  points.set({PointKind::Software, 0x2000});
  points.set({PointKind::Hardware, 0x1000});
  points.set({PointKind::Hardware, 0x2000});
  EXPECT_EQ(points.wanted().code, (std::vector<u64>{0x1000, 0x2000}));
  points.remove({PointKind::Software, 0x2000});
  EXPECT_EQ(points.code_at(0x2000), PointKind::Hardware);
  EXPECT_EQ(points.code_at(0x3000), std::nullopt);
  EXPECT_EQ(points.wanted().code.size(), 2u);
}

TEST(Breakpoints, WatchForWhatTheirKindSays) {
  Breakpoints points;
  points.set({PointKind::Write, 0x10, 4});
  points.set({PointKind::Read, 0x20, 8});
  points.set({PointKind::Access, 0x30, 1});
  EXPECT_EQ(points.wanted().data,
            (std::vector<Watchpoint>{
                {0x10, 4, false, true}, {0x20, 8, true, false}, {0x30, 1, true, true}}));
}

TEST(Breakpoints, SetTwiceAreRemovedAtOnce) {
  Breakpoints points;
  EXPECT_TRUE(points.set({PointKind::Software, 0x1000}));
  EXPECT_TRUE(points.set({PointKind::Software, 0x1000}));
  points.remove({PointKind::Software, 0x1000});
  points.remove({PointKind::Software, 0x1000});
  EXPECT_TRUE(points.wanted().empty());
}

TEST(Breakpoints, AreBounded) {
  Breakpoints points;
  for (u64 n = 0; n < Breakpoints::kMost; ++n) ASSERT_TRUE(points.set({PointKind::Software, n}));
  EXPECT_FALSE(points.set({PointKind::Software, ~u64{0}}));
  EXPECT_TRUE(points.set({PointKind::Software, 0}));
}

}  // namespace
}  // namespace backplane::host::gdb
