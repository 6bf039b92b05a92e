// SPDX-License-Identifier: MIT
// [virtio-1.2 §5.2 "Block Device"]
#pragma once

#include "backplane/types.h"

namespace backplane::virtio_block {

enum Feature : unsigned {
  kSegMax = 2,
  kGeometry = 4,
  kReadOnly = 5,
  kBlkSize = 6,
  kFlush = 9,
  kTopology = 10,
  kConfigWce = 11,
  kMultiQueue = 12,
  kDiscard = 13,
  kWriteZeroes = 14,
};

// struct virtio_blk_config
enum Config : unsigned {
  kCapacity = 0,
  kSizeMax = 8,
  kSegMaxField = 12,
  kCylinders = 16,
  kHeads = 18,
  kSectors = 19,
  kBlkSizeField = 20,
  kPhysicalBlockExp = 24,
  kAlignmentOffset = 25,
  kMinIoSize = 26,
  kOptIoSize = 28,
  kWriteback = 32,
  kNumQueues = 34,
  kMaxDiscardSectors = 36,
  kMaxDiscardSeg = 40,
  kDiscardSectorAlignment = 44,
  kMaxWriteZeroesSectors = 48,
  kMaxWriteZeroesSeg = 52,
  kWriteZeroesMayUnmap = 56,
  kConfigSize = 60,
};

enum RequestType : u32 {
  kIn = 0,
  kOut = 1,
  kFlushRequest = 4,
  kGetId = 8,
  kDiscardRequest = 11,
  kWriteZeroesRequest = 13,
};
enum RequestStatus : u8 { kOk = 0, kIoError = 1, kUnsupported = 2 };

// struct virtio_blk_req, before the data
struct RequestHeader {
  u32 type;
  u32 reserved;
  u64 sector;
};
static_assert(sizeof(RequestHeader) == 16);

// struct virtio_blk_discard_write_zeroes
struct RangeSegment {
  u64 sector;
  u32 sectors;
  u32 flags;
};
static_assert(sizeof(RangeSegment) == 16);
constexpr u32 kRangeUnmap = 1;

constexpr u64 kIdSize = 20;

}  // namespace backplane::virtio_block
