// SPDX-License-Identifier: MIT
// Offsets and bits of PCI configuration space, with the names and order of the PCI Local Bus
// Specification 3.0: chapter 6 "Configuration Space", 6.8 "Message Signaled Interrupts".
#pragma once

#include "backplane/types.h"

namespace backplane::pci {

// [PCI §6.1 "Configuration Space Organization", 6.2 "Configuration Space Functions"]
enum ConfigOffset : u8 {
  kVendorId = 0x00,
  kDeviceId = 0x02,
  kCommand = 0x04,
  kStatus = 0x06,
  kRevisionId = 0x08,
  kClassCode = 0x09,  // programming interface, sub-class, base class: one byte each
  kCacheLineSize = 0x0c,
  kLatencyTimer = 0x0d,
  kHeaderType = 0x0e,
  kBist = 0x0f,
  kBar0 = 0x10,
  kCardbusCis = 0x28,
  kSubsystemVendorId = 0x2c,
  kSubsystemId = 0x2e,
  kExpansionRom = 0x30,
  kCapabilitiesPointer = 0x34,
  kInterruptLine = 0x3c,
  kInterruptPin = 0x3d,
  kMinGnt = 0x3e,
  kMaxLat = 0x3f,
  kHeaderEnd = 0x40,
};

// [PCI §6.2.2 "Device Control"]
enum Command : u16 {
  kCommandIo = 0x0001,
  kCommandMemory = 0x0002,
  kCommandBusMaster = 0x0004,
  kCommandSpecialCycles = 0x0008,
  kCommandMemoryWriteInvalidate = 0x0010,
  kCommandVgaSnoop = 0x0020,
  kCommandParity = 0x0040,
  kCommandSerr = 0x0100,
  kCommandFastBackToBack = 0x0200,
  kCommandInterruptDisable = 0x0400,
};

// [PCI §6.2.3 "Device Status"]
enum Status : u16 {
  kStatusInterrupt = 0x0008,
  kStatusCapabilities = 0x0010,
  kStatusErrors = 0xf900,  // master data parity error, aborts, SERR#, parity: write one to clear
};

constexpr u8 kHeaderMultifunction = 0x80;

// [PCI §6.2.5 "Base Addresses"]
enum BarBits : u32 {
  kBarIo = 0x1,
  kBarMemory64 = 0x4,
  kBarPrefetchable = 0x8,
};
constexpr u32 kRomEnable = 0x1;

// [PCI Appendix H "Capability IDs"]
enum CapabilityId : u8 {
  kCapPowerManagement = 0x01,
  kCapMsi = 0x05,
  kCapVendorSpecific = 0x09,
  kCapMsix = 0x11,
};

// [PCI §6.8.1 "MSI Capability Structure"]: offsets in the capability and bits of Message Control
constexpr unsigned kMsiControl = 2;
constexpr unsigned kMsiAddress = 4;
constexpr unsigned kMsiUpperAddress = 8;
constexpr unsigned kMsiData = 12;
constexpr unsigned kMsiMask = 16;
constexpr unsigned kMsiPending = 20;
enum MsiControl : u16 {
  kMsiEnable = 0x0001,
  kMsiMultipleCapableShift = 1,
  kMsiMultipleEnableShift = 4,
  kMsiMultipleEnableMask = 0x0070,
  kMsi64Bit = 0x0080,
  kMsiPerVectorMasking = 0x0100,
};

// [PCI §6.8.2 "MSI-X Capability and Table Structures"]
constexpr unsigned kMsixControl = 2;
constexpr unsigned kMsixTable = 4;
constexpr unsigned kMsixPba = 8;
constexpr unsigned kMsixCapabilitySize = 12;
constexpr unsigned kMsixEntrySize = 16;
enum MsixControl : u16 {
  kMsixFunctionMask = 0x4000,
  kMsixEnable = 0x8000,
};
constexpr u32 kMsixEntryMasked = 0x1;  // Vector Control

}  // namespace backplane::pci
