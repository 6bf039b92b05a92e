// SPDX-License-Identifier: MIT
// Registers and commands of ATA and ATAPI. [ATA8-ACS 7 "Command Descriptions", ATA/ATAPI-7 volume 2
// 7 "Register Definitions"]
#pragma once

#include "backplane/types.h"

namespace backplane::ide {

// Offsets in the command block.
enum Register : unsigned {
  kData = 0,
  kErrorOrFeatures = 1,
  kSectorCount = 2,  // ATAPI: the reason of the interrupt
  kLbaLow = 3,
  kLbaMid = 4,  // ATAPI: number of bytes, low
  kLbaHigh = 5,
  kDevice = 6,
  kStatusOrCommand = 7,
};
constexpr unsigned kCommandBlockSize = 8;

namespace status {
constexpr u8 kError = 0x01, kDataRequest = 0x08, kSeekComplete = 0x10, kFault = 0x20, kReady = 0x40,
             kBusy = 0x80;
}  // namespace status

namespace error {
constexpr u8 kAborted = 0x04, kNotFound = 0x10, kUncorrectable = 0x40;
// What a device says after a reset or diagnostic that found nothing wrong.
constexpr u8 kDiagnosticPassed = 0x01;
}  // namespace error

namespace device {
constexpr u8 kSelect = 0x10, kLba = 0x40, kHead = 0x0f;
}  // namespace device

namespace control {
constexpr u8 kNoInterrupt = 0x02, kReset = 0x04, kHighOrder = 0x80;
}  // namespace control

// ATAPI's interrupt reason.
namespace reason {
constexpr u8 kCommand = 0x01, kToHost = 0x02;
}  // namespace reason

enum Command : u8 {
  kNop = 0x00,
  kDataSetManagement = 0x06,
  kDeviceReset = 0x08,
  kRecalibrate = 0x10,
  kReadSectors = 0x20,
  kReadSectorsNoRetry = 0x21,
  kReadSectorsExt = 0x24,
  kReadDmaExt = 0x25,
  kReadNativeMaxExt = 0x27,
  kReadMultipleExt = 0x29,
  kWriteSectors = 0x30,
  kWriteSectorsNoRetry = 0x31,
  kWriteSectorsExt = 0x34,
  kWriteDmaExt = 0x35,
  kWriteMultipleExt = 0x39,
  kWriteDmaFuaExt = 0x3d,
  kReadVerify = 0x40,
  kReadVerifyNoRetry = 0x41,
  kReadVerifyExt = 0x42,
  kSeek = 0x70,
  kExecuteDiagnostic = 0x90,
  kInitializeParameters = 0x91,
  kPacket = 0xa0,
  kIdentifyPacket = 0xa1,
  kReadMultiple = 0xc4,
  kWriteMultiple = 0xc5,
  kSetMultiple = 0xc6,
  kReadDma = 0xc8,
  kReadDmaNoRetry = 0xc9,
  kWriteDma = 0xca,
  kWriteDmaNoRetry = 0xcb,
  kWriteMultipleFuaExt = 0xce,
  kStandbyImmediate = 0xe0,
  kIdleImmediate = 0xe1,
  kStandby = 0xe2,
  kIdle = 0xe3,
  kCheckPowerMode = 0xe5,
  kSleep = 0xe6,
  kFlushCache = 0xe7,
  kFlushCacheExt = 0xea,
  kIdentify = 0xec,
  kSetFeatures = 0xef,
  kReadNativeMax = 0xf8,
};

// SET FEATURES.
enum Feature : u8 {
  kEnableWriteCache = 0x02,
  kSetTransferMode = 0x03,
  kDisableReadAhead = 0x55,
  kKeepSettings = 0x66,
  kDisableWriteCache = 0x82,
  kEnableReadAhead = 0xaa,
  kRevertSettings = 0xcc,
};

}  // namespace backplane::ide
