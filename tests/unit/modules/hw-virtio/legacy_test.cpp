// SPDX-License-Identifier: MIT
// The legacy PCI interface, as drivers before virtio 1.0 use it.
#include "virtio_machine.h"

namespace backplane::testing {
namespace {

using namespace virtio;

class LegacyTest : public VirtioTest {
 protected:
  LegacyTest() : proxy_(add("virtio-rng-pci")), pci_(machine_, kSlot) {
    pci_.assign_bars(0xe000'0000, 0xc000);
    port_ = pci_.bar_address(0);
  }
  template <class T>
  T in(unsigned offset) {
    return machine_.io().load<T>(port_ + offset);
  }
  template <class T>
  void out(unsigned offset, T value) {
    machine_.io().store<T>(port_ + offset, value);
  }

  // Lets the device fill a buffer through queue 0.
  void serve_one() {
    constexpr u16 kSize = 8;
    out<u8>(kLegacyDeviceStatus, kAcknowledge | kDriver);
    out<u32>(kLegacyDriverFeatures, 0);
    out<u16>(kLegacyQueueSelect, 0);
    ASSERT_EQ(in<u16>(kLegacyQueueSize), kSize);
    out<u32>(kLegacyQueueAddress, kRing / 4096);
    EXPECT_EQ(in<u32>(kLegacyQueueAddress), kRing / 4096);
    out<u8>(kLegacyDeviceStatus, kAcknowledge | kDriver | kDriverOk);

    // The used ring begins at the next page.
    const Descriptor d{kData, 32, kWrite, 0};
    machine_.memory().write(kRing, &d, sizeof d);
    machine_.memory().store<u16>(kRing + 16 * kSize + 2, 1);
    out<u16>(kLegacyQueueNotify, 0);
    EXPECT_EQ(machine_.memory().load<u16>(kRing + 4096 + 2), 1);
    EXPECT_EQ(machine_.memory().load<u32>(kRing + 4096 + 8), 32U);
    EXPECT_NE(get(kData, 32), std::string(32, '\0'));
    EXPECT_TRUE(proxy_.intx());
    EXPECT_EQ(in<u8>(kLegacyIsrStatus), kIsrQueue);
    EXPECT_FALSE(proxy_.intx());
  }

  VirtioPci& proxy_;
  PciDriver pci_;
  u64 port_ = 0;
};

TEST_F(LegacyTest, ATransitionalDeviceHasTheOldIds) {
  EXPECT_EQ(pci_.read16(pci::kDeviceId), 0x1005);
  EXPECT_EQ(pci_.read8(pci::kRevisionId), 0);
  EXPECT_EQ(pci_.read16(pci::kSubsystemId), kIdEntropy);
}

TEST_F(LegacyTest, ServesAQueueGivenByPageNumber) { serve_one(); }

TEST_F(LegacyTest, WorksWithoutBusMastering) {
  pci_.write16(pci::kCommand, pci::kCommandIo);
  serve_one();
}

TEST_F(LegacyTest, PageZeroResets) {
  out<u8>(kLegacyDeviceStatus, kAcknowledge | kDriver);
  out<u32>(kLegacyQueueAddress, 0);
  EXPECT_EQ(in<u8>(kLegacyDeviceStatus), 0);
}

TEST_F(LegacyTest, VectorsAppearWhileMsixIsEnabled) {
  EXPECT_EQ(in<u16>(kLegacyConfigVector), 0);  // configuration: there is none
  pci_.enable_msix(kMailbox, 0x700);
  EXPECT_EQ(in<u16>(kLegacyConfigVector), kNoVector);
  out<u16>(kLegacyQueueSelect, 0);
  out<u16>(kLegacyQueueVector, 1);
  EXPECT_EQ(in<u16>(kLegacyQueueVector), 1);
  out<u16>(kLegacyQueueVector, 99);
  EXPECT_EQ(in<u16>(kLegacyQueueVector), kNoVector);
}

TEST_F(VirtioTest, DisableLegacyLeavesTheModernDevice) {
  add("virtio-rng-pci", {{"disable-legacy", "on"}});
  PciDriver pci(machine_, kSlot);
  EXPECT_EQ(pci.read16(pci::kDeviceId), 0x1044);
  EXPECT_EQ(pci.read8(pci::kRevisionId), 1);
  EXPECT_EQ(pci.bar_size(0), 0U);
}

TEST_F(VirtioTest, DisableModernLeavesTheLegacyDevice) {
  add("virtio-rng-pci", {{"disable-modern", "on"}});
  PciDriver pci(machine_, kSlot);
  EXPECT_EQ(pci.bar_size(4), 0U);
  EXPECT_EQ(pci.find_capability(pci::kCapVendorSpecific), 0U);
  EXPECT_EQ(pci.bar_size(0), 32U);
}

}  // namespace
}  // namespace backplane::testing
