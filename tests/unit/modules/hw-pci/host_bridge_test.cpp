// SPDX-License-Identifier: MIT
#include "backplane/pci/host_bridge.h"

#include "pci_machine.h"

namespace backplane::testing {
namespace {

TEST_F(PciTest, TheHostBridgeIsFunction0OfSlot0) {
  PciDriver driver(machine_, 0);
  EXPECT_EQ(driver.read32(0), 0x1237'8086U);
  EXPECT_EQ(driver.read32(8) >> 8, 0x06'00'00U);
}

TEST_F(PciTest, TheAddressPortKeepsWhatIsWrittenInFull) {
  machine_.io().store<u32>(0xcf8, 0xffff'ffff);
  EXPECT_EQ(machine_.io().load<u32>(0xcf8), 0x80ff'fffcU);
  machine_.io().store<u16>(0xcf8, 0);
  machine_.io().store<u8>(0xcf8, 0);
  EXPECT_EQ(machine_.io().load<u32>(0xcf8), 0x80ff'fffcU);
}

TEST_F(PciTest, NothingAnswersWithoutEnableOrOnAnotherBus) {
  machine_.io().store<u32>(0xcf8, 0);
  EXPECT_EQ(machine_.io().load<u32>(0xcfc), 0xffff'ffffU);
  machine_.io().store<u32>(0xcf8, 0x8001'0000);
  EXPECT_EQ(machine_.io().load<u32>(0xcfc), 0xffff'ffffU);
  machine_.io().store<u32>(0xcfc, 0);
}

TEST_F(PciTest, AnEmptySlotReadsOnesInEverySize) {
  machine_.io().store<u32>(0xcf8, 0x8000'f800);
  EXPECT_EQ(machine_.io().load<u32>(0xcfc), 0xffff'ffffU);
  EXPECT_EQ(machine_.io().load<u16>(0xcfe), 0xffff);
  EXPECT_EQ(machine_.io().load<u8>(0xcff), 0xff);
}

TEST_F(PciTest, BytesAndWordsOfTheDataPortSelectBytesOfTheRegister) {
  machine_.io().store<u32>(0xcf8, 0x8000'0000);
  EXPECT_EQ(machine_.io().load<u16>(0xcfc), 0x8086);
  EXPECT_EQ(machine_.io().load<u16>(0xcfe), 0x1237);
  EXPECT_EQ(machine_.io().load<u8>(0xcff), 0x12);
}

TEST_F(PciTest, TheAttributesOfLegacyAreasAreReportedAsTheyChange) {
  std::vector<PciHostBridge::LegacyArea> seen;
  bridge_->set_legacy_area_handler([&](const auto& area) { seen.push_back(area); });
  PciDriver driver(machine_, 0);
  driver.write8(0x59, 0x30);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0], (PciHostBridge::LegacyArea{0xf0000, 0x10000, true, true}));
  driver.write8(0x5a, 0x21);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[1], (PciHostBridge::LegacyArea{0xc0000, 0x4000, true, false}));
  EXPECT_EQ(seen[2], (PciHostBridge::LegacyArea{0xc4000, 0x4000, false, true}));
  driver.write8(0x5f, 0x30);
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[3], (PciHostBridge::LegacyArea{0xec000, 0x4000, true, true}));
  bridge_->set_legacy_area_handler(nullptr);
}

TEST_F(PciTest, TheBusIsNamedAndFoundByItsName) { EXPECT_EQ(machine_.find_bus("pci.0"), &bus()); }

}  // namespace
}  // namespace backplane::testing
