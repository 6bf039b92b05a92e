// SPDX-License-Identifier: MIT
// [virtio-1.2 §5.1 "Network Device"]
#pragma once

#include "backplane/frame_offload.h"
#include "backplane/types.h"

namespace backplane::virtio_net {

enum Feature : unsigned {
  kCsum = 0,
  kGuestCsum = 1,
  kCtrlGuestOffloads = 2,
  kMtu = 3,
  kMac = 5,
  kGuestTso4 = 7,
  kGuestTso6 = 8,
  kGuestEcn = 9,
  kHostTso4 = 11,
  kHostTso6 = 12,
  kHostEcn = 13,
  kMrgRxbuf = 15,
  kStatus = 16,
  kCtrlVq = 17,
  kCtrlRx = 18,
  kCtrlVlan = 19,
  kCtrlRxExtra = 20,
  kGuestAnnounce = 21,
  kMq = 22,
  kCtrlMacAddr = 23,
  kSpeedDuplex = 63,
};

// struct virtio_net_config
enum Config : unsigned {
  kMacField = 0,
  kStatusField = 6,
  kMaxVirtqueuePairs = 8,
  kMtuField = 10,
  kSpeed = 12,
  kDuplex = 16,
  kConfigSize = 17,
};
constexpr u16 kLinkUp = 1;
constexpr u16 kAnnounce = 2;
constexpr u32 kUnknownSpeed = 0xffff'ffff;  // otherwise Mbit/s
enum Duplex : u8 { kHalfDuplex = 0, kFullDuplex = 1, kUnknownDuplex = 0xff };

// struct virtio_net_hdr: FrameOffload, and a number of buffers if the driver took
// VIRTIO_F_VERSION_1 or VIRTIO_NET_F_MRG_RXBUF.
struct Header {
  FrameOffload left;
  u16 num_buffers = 0;
};
static_assert(sizeof(Header) == 12);
constexpr unsigned kLegacyHeaderSize = 10;

// struct virtio_net_ctrl, before the command's data
struct ControlHeader {
  u8 command_class;
  u8 command;
};
enum ControlClass : u8 {
  kClassRx = 0,
  kClassMac = 1,
  kClassVlan = 2,
  kClassAnnounce = 3,
  kClassMq = 4,
  kClassGuestOffloads = 5,
};
enum RxCommand : u8 {
  kPromiscuous = 0,
  kAllMulticast = 1,
  kAllUnicast = 2,
  kNoMulticast = 3,
  kNoUnicast = 4,
  kNoBroadcast = 5,
};
enum MacCommand : u8 { kMacTableSet = 0, kMacAddrSet = 1 };
enum VlanCommand : u8 { kVlanAdd = 0, kVlanDel = 1 };
enum AnnounceCommand : u8 { kAnnounceAck = 0 };
enum MqCommand : u8 { kVqPairsSet = 0 };
enum GuestOffloadsCommand : u8 { kGuestOffloadsSet = 0 };
enum Ack : u8 { kOk = 0, kError = 1 };

// Addresses in a table that are looked at one by one; the device is free to take all when there
// are more. [virtio-1.2 §5.1.6.5.2.1 "Device Requirements: Setting MAC Address Filtering"]
constexpr u32 kMacTableSize = 64;
constexpr unsigned kVlanCount = 4096;

}  // namespace backplane::virtio_net
