// SPDX-License-Identifier: MIT
#include "cache/stop_offsets.h"

#include <gtest/gtest.h>

namespace backplane::tcg {
namespace {

TEST(StopOffsets, AreThoseInAPageOfWholeAddresses) {
  StopOffsets stops;
  EXPECT_TRUE(stops.empty());
  EXPECT_FALSE(stops.begins_block(0x1234));
  stops.set({0xffffffff81000fff, 0x1234});
  EXPECT_TRUE(stops.has(0x1234));
  EXPECT_FALSE(stops.has(0x5234));
  EXPECT_TRUE(stops.begins_block(0x5234));
  EXPECT_TRUE(stops.begins_block(0xfff));
  EXPECT_FALSE(stops.begins_block(0x1233));
}

TEST(StopOffsets, HaveBlocksMadeAnewForNewOnesAlone) {
  StopOffsets stops;
  EXPECT_FALSE(stops.set({}));
  EXPECT_TRUE(stops.set({0x1234, 0x2000}));
  // One is taken away, and comes back, also in another page.
  EXPECT_FALSE(stops.set({0x2000}));
  EXPECT_FALSE(stops.has(0x1234));
  EXPECT_TRUE(stops.begins_block(0x1234));
  EXPECT_FALSE(stops.set({0x2000, 0x7234}));
  EXPECT_TRUE(stops.set({0x2001}));
  // None is left: all is as it was before.
  EXPECT_TRUE(stops.set({}));
  EXPECT_FALSE(stops.begins_block(0x1234));
}

}  // namespace
}  // namespace backplane::tcg
