// SPDX-License-Identifier: MIT
// The modern PCI interface.
#include "virtio_machine.h"

namespace backplane::testing {
namespace {

using namespace virtio;

TEST_F(EchoTest, IdentifiesItself) {
  EXPECT_EQ(driver_.pci().read16(pci::kVendorId), 0x1af4);
  EXPECT_EQ(driver_.pci().read16(pci::kDeviceId), 0x1040 + 42);
  EXPECT_EQ(driver_.pci().read8(pci::kRevisionId), 1);
}

TEST_F(EchoTest, ShowsItsQueues) {
  EXPECT_EQ(driver_.common16(kNumQueues), 2);
  driver_.set_common16(kQueueSelect, 1);
  EXPECT_EQ(driver_.common16(kQueueSize), EchoDevice::kQueueSize);
  EXPECT_EQ(driver_.common16(kQueueEnable), 0);
  driver_.set_common16(kQueueSelect, 0);
  EXPECT_EQ(driver_.common16(kQueueEnable), 1);
  EXPECT_EQ(driver_.common32(kQueueDesc), kRing);
  driver_.set_common16(kQueueSelect, 2);
  EXPECT_EQ(driver_.common16(kQueueSize), 0);
  driver_.set_common16(kQueueEnable, 1);
  driver_.set_common32(kQueueDesc, 1);
  driver_.set_common16(kQueueSelect, 0xffff);
  EXPECT_EQ(driver_.common16(kQueueSize), 0);
}

TEST_F(EchoTest, AQueueThatIsEnabledKeepsItsPlace) {
  driver_.set_common16(kQueueSelect, 0);
  driver_.set_common32(kQueueDesc, 0x1234'0000);
  driver_.set_common16(kQueueSize, 4);
  EXPECT_EQ(driver_.common32(kQueueDesc), kRing);
  EXPECT_EQ(driver_.common16(kQueueSize), EchoDevice::kQueueSize);
}

TEST_F(EchoTest, AQueueSizeIsAPowerOfTwoUpToTheLimit) {
  driver_.set_common16(kQueueSelect, 1);
  for (const u16 size : {u16{0}, u16{3}, u16{32}, u16{0xffff}}) {
    driver_.set_common16(kQueueSize, size);
    EXPECT_EQ(driver_.common16(kQueueSize), EchoDevice::kQueueSize) << size;
  }
  driver_.set_common16(kQueueSize, 8);
  EXPECT_EQ(driver_.common16(kQueueSize), 8);
}

TEST_F(EchoTest, FeaturesThatWereNotOfferedAreRefused) {
  EXPECT_EQ(driver_.device_features(), kModern | bit(3) | bit(kIndirectDesc) | bit(kEventIdx));
  EXPECT_FALSE(driver_.negotiate(kModern | bit(5)));
  EXPECT_FALSE(driver_.negotiate(bit(3)));  // without VERSION_1
  EXPECT_TRUE(driver_.negotiate(kModern | bit(3)));
  driver_.set_driver_features(kModern);
  EXPECT_TRUE(echo_.has_feature(3)) << "fixed once FEATURES_OK is set";
}

TEST_F(EchoTest, FeatureWordsBeyondTheSecondAreEmpty) {
  driver_.set_common32(kDeviceFeatureSelect, 2);
  EXPECT_EQ(driver_.common32(kDeviceFeature), 0U);
  driver_.set_common32(kDriverFeatureSelect, 0xffff'ffff);
  driver_.set_common32(kDriverFeature, 0xffff'ffff);
}

TEST_F(EchoTest, WritingZeroToTheStatusResets) {
  driver_.set_status(0);
  EXPECT_EQ(driver_.status(), 0);
  driver_.set_common16(kQueueSelect, 0);
  EXPECT_EQ(driver_.common16(kQueueEnable), 0);
  EXPECT_EQ(driver_.common16(kQueueMsixVector), kNoVector);
  EXPECT_EQ(driver_.common16(kConfigMsixVector), kNoVector);
}

TEST_F(EchoTest, AVectorThatDoesNotExistReadsBackAsNone) {
  driver_.set_common16(kConfigMsixVector, 2);
  EXPECT_EQ(driver_.common16(kConfigMsixVector), 2);
  driver_.set_common16(kConfigMsixVector, 3);  // the device has three: 0, 1, 2
  EXPECT_EQ(driver_.common16(kConfigMsixVector), kNoVector);
}

TEST_F(EchoTest, DeviceConfigurationIsReadInEverySizeAndWritten) {
  EXPECT_EQ(driver_.config32(0), 0x1122'3344U);
  EXPECT_EQ(driver_.config8(1), 0x33);
  EXPECT_EQ(driver_.config16(2), 0x1122);
  EXPECT_EQ(driver_.config64(4), 0x8877'6655'4433'2211U);
  EXPECT_EQ(driver_.config32(12), 0U);
  EXPECT_EQ(driver_.config32(0x800), 0U);
  driver_.set_config32(0, 5);
  EXPECT_EQ(driver_.config32(0), 5U);
  driver_.set_config32(12, 5);
}

TEST_F(EchoTest, AChangeOfConfigurationHasANewGenerationAndAnInterrupt) {
  const u8 before = driver_.common8(kConfigGeneration);
  echo_.change_config();
  EXPECT_NE(driver_.common8(kConfigGeneration), before);
  EXPECT_EQ(mail(0), 0x500U);
}

TEST_F(EchoTest, WithoutMsixTheIsrSaysWhatHappenedAndReadingClearsIt) {
  driver_.pci().write16(driver_.pci().find_capability(pci::kCapMsix) + pci::kMsixControl, 0);
  queue_.add({{kData, 4}}, {});
  driver_.kick(0);
  EXPECT_TRUE(proxy_.intx());
  echo_.change_config();
  EXPECT_EQ(driver_.isr(), kIsrQueue | kIsrConfig);
  EXPECT_FALSE(proxy_.intx());
  EXPECT_EQ(driver_.isr(), 0);
}

TEST_F(EchoTest, BarsAreReachedThroughConfigurationSpace) {
  PciDriver& pci = driver_.pci();
  unsigned at = pci.find_capability(pci::kCapVendorSpecific);
  while (pci.read8(at + 3) != kCapPciCfg) at = pci.find_capability(pci::kCapVendorSpecific, at);
  pci.write8(at + 4, 4);
  pci.write32(at + 8, kNumQueues);
  pci.write32(at + 12, 2);
  EXPECT_EQ(pci.read16(at + 16), 2);
  pci.write32(at + 8, kDeviceStatus);
  pci.write32(at + 12, 1);
  pci.write8(at + 16, 0);
  EXPECT_EQ(driver_.status(), 0);
  // Nonsense reaches nothing.
  for (const u32 length : {0U, 3U, 8U, ~0U}) {
    pci.write32(at + 12, length);
    pci.read32(at + 16);
    pci.write32(at + 16, 0xff);
  }
  pci.write32(at + 12, 4);
  pci.write32(at + 8, 0xffff'fffc);
  pci.read32(at + 16);
  pci.write8(at + 4, 0xff);
  pci.write32(at + 16, 1);
  EXPECT_EQ(driver_.status(), 0);
}

TEST_F(EchoTest, AMachineResetIsADeviceReset) {
  machine_.run_control().reset();
  driver_.pci().assign_bars(0xe000'0000, 0xc000);
  EXPECT_EQ(driver_.status(), 0);
}

TEST_F(VirtioTest, TheInnerDevicesPropertiesAreTheFunctions) {
  VirtioPci& proxy = add("virtio-echo-pci", {{"tag", "hello"}, {"event_idx", "off"}});
  EXPECT_EQ(dynamic_cast<EchoDevice&>(proxy.device()).tag_, "hello");
  EXPECT_EQ(proxy.get_property("tag"), "hello");
  EXPECT_EQ(proxy.device().host_features() & bit(kEventIdx), 0U);
  EXPECT_THROW(proxy.set_property("tag", "late"), Error);
  EXPECT_THROW(add("virtio-echo-pci", {{"event_idx", "perhaps"}}), Error);
}

TEST_F(VirtioTest, AGlobalSettingReachesTheInnerDeviceUnlessItWasSet) {
  machine_.add_global({"virtio-echo-device", "tag", "global"});
  EXPECT_EQ(add("virtio-echo-pci").get_property("tag"), "global");
  VirtioPci& other =
      dynamic_cast<VirtioPci&>(machine_.add_device("virtio-echo-pci", "", "", {{"tag", "own"}}));
  EXPECT_EQ(other.get_property("tag"), "own");
}

TEST_F(VirtioTest, VectorsCanBeChosen) {
  EXPECT_EQ(add("virtio-echo-pci", {{"vectors", "7"}}).msix()->vectors(), 7U);
}

TEST_F(VirtioTest, NoVectorsMeansNoMsix) {
  EXPECT_EQ(add("virtio-echo-pci", {{"vectors", "0"}}).msix(), nullptr);
}

TEST_F(VirtioTest, TooManyVectorsAreAnError) {
  EXPECT_THROW(add("virtio-echo-pci", {{"vectors", "2049"}}), Error);
  add("virtio-echo-pci");  // the slot is free again
}

TEST_F(VirtioTest, ADeviceWithoutAnyInterfaceIsAnError) {
  EXPECT_THROW(add("virtio-echo-pci", {{"disable-modern", "on"}}), Error);
  EXPECT_THROW(add("virtio-rng-pci", {{"disable-modern", "on"}, {"disable-legacy", "on"}}), Error);
}

}  // namespace
}  // namespace backplane::testing
