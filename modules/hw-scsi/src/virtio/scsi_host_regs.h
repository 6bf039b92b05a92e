// SPDX-License-Identifier: MIT
// [virtio-1.2 §5.6 "SCSI Host Device"]
#pragma once

#include "backplane/types.h"

namespace backplane::virtio_scsi {

constexpr u16 kIdScsiHost = 8;
enum Feature : unsigned { kInout = 0, kHotplug = 1, kChange = 2 };

// struct virtio_scsi_config
enum Config : unsigned {
  kNumQueues = 0,
  kSegMax = 4,
  kMaxSectors = 8,
  kCmdPerLun = 12,
  kEventInfoSize = 16,
  kSenseSizeField = 20,
  kCdbSize = 24,
  kMaxChannel = 28,
  kMaxTarget = 30,
  kMaxLun = 32,
  kConfigSize = 36,
};
constexpr u32 kSenseBytes = 96;
constexpr u32 kCdbBytes = 32;
enum Queue : unsigned { kControlQueue = 0, kEventQueue = 1, kFirstRequestQueue = 2 };

// struct virtio_scsi_req_cmd: what the device reads, before the data
#pragma pack(push, 1)
struct RequestHeader {
  u8 lun[8];
  u64 id;
  u8 task_attr;
  u8 prio;
  u8 crn;
  u8 cdb[kCdbBytes];
};
#pragma pack(pop)
static_assert(sizeof(RequestHeader) == 51);
// and what it writes
struct ResponseHeader {
  u32 sense_len;
  u32 residual;
  u16 status_qualifier;
  u8 status;
  u8 response;
  u8 sense[kSenseBytes];
};
static_assert(sizeof(ResponseHeader) == 108);
enum Response : u8 {
  kOk = 0,
  kOverrun = 1,
  kBadTarget = 3,
  kIncorrectLun = 12,
  kFunctionComplete = 0,
  kFunctionRejected = 11,
};

// struct virtio_scsi_ctrl_tmf, virtio_scsi_ctrl_an
struct TaskManagement {
  u32 type;
  u32 subtype;
  u8 lun[8];
  u64 id;
};
static_assert(sizeof(TaskManagement) == 24);
enum ControlType : u32 { kTmf = 0, kAnQuery = 1, kAnSubscribe = 2 };
enum TmfSubtype : u32 {
  kAbortTask = 0,
  kAbortTaskSet = 1,
  kClearAca = 2,
  kClearTaskSet = 3,
  kItNexusReset = 4,
  kLogicalUnitReset = 5,
  kQueryTask = 6,
  kQueryTaskSet = 7,
};

// struct virtio_scsi_event
struct Event {
  u32 event;
  u8 lun[8];
  u32 reason;
};
static_assert(sizeof(Event) == 16);
constexpr u32 kTransportReset = 1;
constexpr u32 kEventsMissed = 0x8000'0000;
enum ResetReason : u32 { kRescan = 1, kRemoved = 2 };

}  // namespace backplane::virtio_scsi
