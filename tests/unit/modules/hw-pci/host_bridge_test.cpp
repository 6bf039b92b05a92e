// SPDX-License-Identifier: MIT
#include "backplane/pci/host_bridge.h"

#include "pci_machine.h"

namespace backplane::testing {
namespace {

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

TEST_F(PciTest, TheByteMayBeChosenAtTheAddressPortToo) {
  machine_.io().store<u32>(0xcf8, 0x8000'0000);
  const auto whole = machine_.io().load<u32>(0xcfc);
  machine_.io().store<u32>(0xcf8, 0x8000'0002);
  EXPECT_EQ(machine_.io().load<u16>(0xcfc), whole >> 16);
  EXPECT_EQ(machine_.io().load<u16>(0xcfe), whole >> 16);
  EXPECT_EQ(machine_.io().load<u32>(0xcfc), whole);
}

TEST_F(PciTest, AnEmptySlotReadsOnesInEverySize) {
  machine_.io().store<u32>(0xcf8, 0x8000'f800);
  EXPECT_EQ(machine_.io().load<u32>(0xcfc), 0xffff'ffffU);
  EXPECT_EQ(machine_.io().load<u16>(0xcfe), 0xffff);
  EXPECT_EQ(machine_.io().load<u8>(0xcff), 0xff);
}

TEST_F(PciTest, TheBusIsNamedAndFoundByItsName) { EXPECT_EQ(machine_.find_bus("pci.0"), &bus()); }

}  // namespace
}  // namespace backplane::testing
