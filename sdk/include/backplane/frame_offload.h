// SPDX-License-Identifier: MIT
// What a driver may leave to the device of a frame that it sends, and a network to a driver of one
// that it receives: the checksum, and the division into segments.
#pragma once

#include <functional>
#include <span>

#include "backplane/types.h"

namespace backplane {

// What is left to be done with one frame. The members are laid out as the first ten bytes of struct
// virtio_net_hdr on a little-endian host. [virtio-1.2 §5.1.6 "Device Operation"]
struct FrameOffload {
  enum Flag : u8 { kNeedsChecksum = 1, kChecksumValid = 2 };
  enum Segmentation : u8 { kNone = 0, kTcp4 = 1, kTcp6 = 4, kEcn = 0x80 };

  u8 flags = 0;             // Flag
  u8 segmentation = 0;      // kNone, or kTcp4 or kTcp6 with or without kEcn
  u16 header_size = 0;      // a hint: bytes before the payload
  u16 segment_size = 0;     // payload of each segment: bytes
  u16 checksum_start = 0;   // offset in the frame of what is summed up, to its end
  u16 checksum_offset = 0;  // from there: where the sum goes, which holds the pseudo header's

  bool needs_checksum() const { return (flags & kNeedsChecksum) != 0; }
  bool needs_segmentation() const { return segmentation != kNone; }
  bool nothing_left() const { return !needs_checksum() && !needs_segmentation(); }
};
static_assert(sizeof(FrameOffload) == 10);

// What a driver takes, or a backend can give: a set of these.
enum OffloadKind : unsigned {
  kChecksumOffload = 1,
  kTcp4Offload = 2,
  kTcp6Offload = 4,
  kEcnOffload = 8,
};

// The Internet checksum of the bytes, in host order: the complement of their sum and of `initial`.
// [RFC 1071]
u16 internet_checksum(std::span<const u8> bytes, u32 initial = 0);

// Stores the checksum that was left out. False, and nothing is changed, if its place is outside of
// the frame. Any thread.
bool complete_checksum(const FrameOffload& left, std::span<u8> frame);

// Calls `each` with one frame after the other that have nothing left to be done; they are valid
// during the call. False, and there is none, if the frame is no TCP segment as `left` says, or
// would become too many. Any thread.
bool segment_frame(const FrameOffload& left, std::span<const u8> frame,
                   const std::function<void(std::span<const u8>)>& each);

}  // namespace backplane
