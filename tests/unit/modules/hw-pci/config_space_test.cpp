// SPDX-License-Identifier: MIT
#include "backplane/pci/config_space.h"

#include <gtest/gtest.h>

#include "backplane/error.h"
#include "backplane/pci/pci_regs.h"

namespace backplane {
namespace {

TEST(PciConfigSpace, NothingIsWritableAtFirst) {
  PciConfigSpace config;
  config.set32(0x10, 0x1234'5678);
  config.write(0x10, 0xffff'ffff, 4);
  EXPECT_EQ(config.read(0x10, 4), 0x1234'5678U);
}

TEST(PciConfigSpace, WritesChangeOnlyWritableBits) {
  PciConfigSpace config;
  config.set16(0x40, 0xa5a5);
  config.set_writable16(0x40, 0x0ff0);
  config.write(0x40, 0x5a5a, 2);
  EXPECT_EQ(config.get16(0x40), 0xaa55);
}

TEST(PciConfigSpace, OnesClearClearableBits) {
  PciConfigSpace config;
  config.set16(pci::kStatus, 0xf900);
  config.set_write_one_to_clear16(pci::kStatus, 0xf900);
  config.write(pci::kStatus, 0x0800, 2);
  EXPECT_EQ(config.get16(pci::kStatus), 0xf100);
}

TEST(PciConfigSpace, AccessesOfAnySizeSeeTheSameBytes) {
  PciConfigSpace config;
  config.set32(0x60, 0x4433'2211);
  EXPECT_EQ(config.read(0x61, 1), 0x22U);
  EXPECT_EQ(config.read(0x62, 2), 0x4433U);
}

TEST(PciConfigSpace, BeyondTheEndReadsOnesAndSwallowsWrites) {
  PciConfigSpace config;
  config.write(0xfe, 0x1234'5678, 4);
  config.write(0x1000, 1, 4);
  EXPECT_EQ(config.read(0xfe, 4), 0xffff'0000U);
  EXPECT_EQ(config.read(0x1000, 2), 0xffffU);
}

TEST(PciConfigSpace, CapabilitiesFormAList) {
  PciConfigSpace config;
  const unsigned first = config.add_capability(0x05, 10);
  const unsigned second = config.add_capability(0x11, 12);
  EXPECT_EQ(first, 0x40U);
  EXPECT_EQ(second, 0x4cU);
  EXPECT_EQ(config.get8(pci::kCapabilitiesPointer), second);
  EXPECT_EQ(config.get8(second + 1), first);
  EXPECT_EQ(config.get8(first + 1), 0);
  EXPECT_NE(config.get16(pci::kStatus) & pci::kStatusCapabilities, 0);
  EXPECT_EQ(config.find_capability(0x05), first);
  EXPECT_EQ(config.find_capability(0x09), 0U);
}

TEST(PciConfigSpace, AFullSpaceRefusesAnotherCapability) {
  PciConfigSpace config;
  config.add_capability(0x09, 0xc0);
  EXPECT_THROW(config.add_capability(0x09, 1), Error);
}

TEST(PciConfigSpace, ResetBringsBackWhatTheDeviceSet) {
  PciConfigSpace config;
  config.set16(0x04, 0x0000);
  config.set_writable16(0x04, 0x0007);
  config.write(0x04, 7, 2);
  config.reset();
  EXPECT_EQ(config.get16(0x04), 0);
}

}  // namespace
}  // namespace backplane
