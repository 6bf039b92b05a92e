// SPDX-License-Identifier: MIT
// Operation codes, statuses and sense data, with the standards' names. [SPC-3, SBC-3, MMC-6]
#pragma once

#include "backplane/types.h"

namespace backplane::scsi {

enum Operation : u8 {
  kTestUnitReady = 0x00,
  kRequestSense = 0x03,
  kRead6 = 0x08,
  kWrite6 = 0x0a,
  kInquiry = 0x12,
  kModeSelect6 = 0x15,
  kReserve6 = 0x16,
  kRelease6 = 0x17,
  kModeSense6 = 0x1a,
  kStartStopUnit = 0x1b,
  kPreventAllowMediumRemoval = 0x1e,
  kReadCapacity10 = 0x25,
  kRead10 = 0x28,
  kWrite10 = 0x2a,
  kVerify10 = 0x2f,
  kSynchronizeCache10 = 0x35,
  kWriteSame10 = 0x41,
  kUnmap = 0x42,
  kModeSelect10 = 0x55,
  kModeSense10 = 0x5a,
  kRead16 = 0x88,
  kWrite16 = 0x8a,
  kVerify16 = 0x8f,
  kSynchronizeCache16 = 0x91,
  kWriteSame16 = 0x93,
  kServiceActionIn16 = 0x9e,
  kReportLuns = 0xa0,
  kRead12 = 0xa8,
  kWrite12 = 0xaa,
};
constexpr u8 kReadCapacity16 = 0x10;  // service action of SERVICE ACTION IN (16)

// [SAM-4 "Status"]
enum Status : u8 { kGood = 0x00, kCheckCondition = 0x02 };

// Key, additional code and its qualifier. [SPC-3 "Sense data"]
struct Sense {
  u8 key = 0;
  u8 code = 0;
  u8 qualifier = 0;
  bool operator==(const Sense&) const = default;
};
constexpr Sense kNoSense{};
constexpr Sense kNotReadyNoMedium{0x02, 0x3a, 0x00};
constexpr Sense kReadError{0x03, 0x11, 0x00};
constexpr Sense kWriteError{0x03, 0x0c, 0x00};
constexpr Sense kInvalidOperation{0x05, 0x20, 0x00};
constexpr Sense kOutOfRange{0x05, 0x21, 0x00};
constexpr Sense kInvalidField{0x05, 0x24, 0x00};
constexpr Sense kNoSuchUnit{0x05, 0x25, 0x00};
constexpr Sense kInvalidParameter{0x05, 0x26, 0x00};
constexpr Sense kParameterListLength{0x05, 0x1a, 0x00};
constexpr Sense kWriteProtected{0x07, 0x27, 0x00};
constexpr unsigned kSenseSize = 18;

// [SPC-3 "Peripheral device type field"]
enum DeviceType : u8 { kDisk = 0x00, kCdDvd = 0x05 };

}  // namespace backplane::scsi
