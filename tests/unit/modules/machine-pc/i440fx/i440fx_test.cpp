// SPDX-License-Identifier: MIT
#include "i440fx/i440fx.h"

#include <gtest/gtest.h>

#include "backplane/testing/pci_driver.h"
#include "backplane/testing/test_machine.h"

namespace backplane::pc {
namespace {

class I440fxTest : public ::testing::Test {
 protected:
  backplane::testing::TestMachine machine_;
  I440fxHostBridge& bridge_ =
      dynamic_cast<I440fxHostBridge&>(machine_.create_device(I440fxHostBridge::kTypeName));
  backplane::testing::PciDriver driver_{machine_, 0};
};

TEST_F(I440fxTest, IsFunction0OfSlot0) {
  EXPECT_EQ(driver_.read32(0), 0x1237'8086U);
  EXPECT_EQ(driver_.read32(8) >> 8, 0x06'00'00U);
}

TEST_F(I440fxTest, BytesAndWordsOfTheDataPortSelectBytesOfTheRegister) {
  machine_.io().store<u32>(0xcf8, 0x8000'0000);
  EXPECT_EQ(machine_.io().load<u16>(0xcfc), 0x8086);
  EXPECT_EQ(machine_.io().load<u16>(0xcfe), 0x1237);
  EXPECT_EQ(machine_.io().load<u8>(0xcff), 0x12);
}

TEST_F(I440fxTest, TheAttributesOfLegacyAreasAreReportedAsTheyChange) {
  using LegacyArea = I440fxHostBridge::LegacyArea;
  std::vector<LegacyArea> seen;
  bridge_.set_legacy_area_handler([&](const LegacyArea& area) { seen.push_back(area); });
  driver_.write8(0x59, 0x30);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0], (LegacyArea{0xf0000, 0x10000, true, true}));
  driver_.write8(0x5a, 0x21);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[1], (LegacyArea{0xc0000, 0x4000, true, false}));
  EXPECT_EQ(seen[2], (LegacyArea{0xc4000, 0x4000, false, true}));
  driver_.write8(0x5f, 0x30);
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[3], (LegacyArea{0xec000, 0x4000, true, true}));
  bridge_.set_legacy_area_handler(nullptr);
}

}  // namespace
}  // namespace backplane::pc
