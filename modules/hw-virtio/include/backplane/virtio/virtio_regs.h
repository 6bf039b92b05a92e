// SPDX-License-Identifier: MIT
// Numbers of the virtio specification, with its names: Virtual I/O Device (VIRTIO) 1.2.
#pragma once

#include "backplane/types.h"

namespace backplane::virtio {

// [virtio-1.2 §5 "Device Types"]
enum DeviceId : u16 {
  kIdNetwork = 1,
  kIdBlock = 2,
  kIdConsole = 3,
  kIdEntropy = 4,
  kIdBalloon = 5,
};

// [virtio-1.2 §2.1 "Device Status Field"]
enum Status : u8 {
  kAcknowledge = 1,
  kDriver = 2,
  kDriverOk = 4,
  kFeaturesOk = 8,
  kDeviceNeedsReset = 64,
  kFailed = 128,
};

// Bit numbers. [virtio-1.2 §6 "Reserved Feature Bits"]
enum Feature : unsigned {
  kAnyLayout = 27,  // legacy
  kIndirectDesc = 28,
  kEventIdx = 29,
  kVersion1 = 32,
};

constexpr u64 bit(unsigned feature) { return u64{1} << feature; }

// [virtio-1.2 §2.7.5 "The Virtqueue Descriptor Table"]
struct Descriptor {
  u64 address;
  u32 length;
  u16 flags;
  u16 next;
};
static_assert(sizeof(Descriptor) == 16);
enum DescriptorFlag : u16 { kNext = 1, kWrite = 2, kIndirect = 4 };
// [virtio-1.2 §2.7.6 "The Virtqueue Available Ring", 2.7.8 "The Virtqueue Used Ring"]
constexpr u16 kAvailNoInterrupt = 1;
constexpr u16 kUsedNoNotify = 1;

// [virtio-1.2 §4.1 "Virtio Over PCI Bus"]
constexpr u16 kPciVendor = 0x1af4;
constexpr u16 kPciModernDeviceBase = 0x1040;
constexpr u16 kNoVector = 0xffff;
enum PciCapType : u8 {
  kCapCommonCfg = 1,
  kCapNotifyCfg = 2,
  kCapIsrCfg = 3,
  kCapDeviceCfg = 4,
  kCapPciCfg = 5,
};
// Offsets in struct virtio_pci_common_cfg. [virtio-1.2 §4.1.4.3]
enum CommonCfg : u8 {
  kDeviceFeatureSelect = 0x00,
  kDeviceFeature = 0x04,
  kDriverFeatureSelect = 0x08,
  kDriverFeature = 0x0c,
  kConfigMsixVector = 0x10,
  kNumQueues = 0x12,
  kDeviceStatus = 0x14,
  kConfigGeneration = 0x15,
  kQueueSelect = 0x16,
  kQueueSize = 0x18,
  kQueueMsixVector = 0x1a,
  kQueueEnable = 0x1c,
  kQueueNotifyOff = 0x1e,
  kQueueDesc = 0x20,
  kQueueDriver = 0x28,
  kQueueDevice = 0x30,
  kCommonCfgSize = 0x38,
};
enum Isr : u8 { kIsrQueue = 1, kIsrConfig = 2 };
// Offsets in the legacy I/O BAR. [virtio-1.2 §4.1.4.10 "Legacy Interfaces: A Note on PCI Device
// Layout"]
enum Legacy : u8 {
  kLegacyDeviceFeatures = 0,
  kLegacyDriverFeatures = 4,
  kLegacyQueueAddress = 8,
  kLegacyQueueSize = 12,
  kLegacyQueueSelect = 14,
  kLegacyQueueNotify = 16,
  kLegacyDeviceStatus = 18,
  kLegacyIsrStatus = 19,
  kLegacyConfigVector = 20,  // only while MSI-X is enabled
  kLegacyQueueVector = 22,
  kLegacyConfig = 20,
  kLegacyConfigMsix = 24,
};
constexpr u64 kLegacyQueueAlign = 4096;

}  // namespace backplane::virtio
