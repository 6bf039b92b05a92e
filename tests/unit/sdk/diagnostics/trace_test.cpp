// SPDX-License-Identifier: MIT
#include "backplane/trace.h"

#include <gtest/gtest.h>

#include "backplane/log.h"
#include "backplane/memory.h"

namespace backplane {
namespace {

class TraceTest : public ::testing::Test {
 protected:
  void TearDown() override { log::set("none"); }

  static std::string said(const auto& act) {
    ::testing::internal::CaptureStderr();
    act();
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(TraceTest, APointSaysNothingUntilItIsTurnedOn) {
  const TracePoint point("adder-finished");
  EXPECT_EQ(said([&] { point("{} numbers", 3); }), "");
  log::enable("trace:adder-*");
  EXPECT_EQ(said([&] { point("{} numbers", 4); }), "adder-finished: 4 numbers\n");
  TracePoints::set("adder-finished", false);
  EXPECT_EQ(said([&] { point("{} numbers", 5); }), "");
}

TEST_F(TraceTest, APatternHoldsForPointsThatAreMadeLater) {
  log::enable("accel,trace:la?er");
  const TracePoint later("later"), other("other");
  EXPECT_TRUE(later.on());
  EXPECT_FALSE(other.on());
}

TEST_F(TraceTest, TheLastPatternThatMatchesCounts) {
  TracePoints::set("*", true);
  TracePoints::set("quiet*", false);
  const TracePoint loud("loud"), quiet("quiet one");
  EXPECT_TRUE(loud.on());
  EXPECT_FALSE(quiet.on());
}

TEST_F(TraceTest, SettingTheLogTurnsEverythingElseOff) {
  const TracePoint point("point");
  log::enable("accel,trace:*");
  log::set("mmu");
  EXPECT_FALSE(point.on());
  EXPECT_FALSE(log::enabled(LogCategory::Accel));
  EXPECT_TRUE(log::enabled(LogCategory::Mmu));
  EXPECT_THROW(log::set("trace:*,nosuch"), Error);
  EXPECT_TRUE(log::enabled(LogCategory::Mmu));
  EXPECT_FALSE(point.on());
  EXPECT_THROW(log::enable("trace:"), Error);
}

TEST_F(TraceTest, ListsEachNameOnce) {
  const TracePoint first("twin b"), second("twin b"), third("twin a");
  TracePoints::set("twin a", true);
  const auto states = TracePoints::list("twin *");
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].name, "twin a");
  EXPECT_TRUE(states[0].on);
  EXPECT_FALSE(states[1].on);
  EXPECT_FALSE(TracePoints::any("twin c"));
}

struct Register {
  u64 read(u64, unsigned) { return 0x5a; }
  void write(u64, u64, unsigned) {}
};

TEST_F(TraceTest, ShowsAccessesToRegistersOfDevices) {
  Register device;
  const auto root = MemoryRegion::container("root", 0x1000);
  const auto region =
      MemoryRegion::mmio("adder", 0x10, MmioHandler::of<&Register::read, &Register::write>(device));
  root->add_subregion(0x100, *region);
  AddressSpace space("space", *root);
  log::enable("trace:adder");
  EXPECT_EQ(said([&] { space.load<u8>(0x104); }), "adder: 0x104 is read, 1 bytes: 0x5a\n");
  EXPECT_EQ(said([&] { space.store<u32>(0x108, 0x1234); }),
            "adder: 0x108 is written, 4 bytes: 0x1234\n");
}

}  // namespace
}  // namespace backplane
