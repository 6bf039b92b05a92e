// SPDX-License-Identifier: MIT
// [virtio-1.2 §5.1 "Network Device"]
#pragma once

#include "backplane/types.h"

namespace backplane::virtio_net {

enum Feature : unsigned {
  kMtu = 3,
  kMac = 5,
  kMrgRxbuf = 15,
  kStatus = 16,
  kCtrlVq = 17,
  kCtrlRx = 18,
  kCtrlVlan = 19,
  kCtrlRxExtra = 20,
  kCtrlMacAddr = 23,
};

// struct virtio_net_config
enum Config : unsigned {
  kMacField = 0,
  kStatusField = 6,
  kMaxVirtqueuePairs = 8,
  kMtuField = 10,
  kConfigSize = 12,
};
constexpr u16 kLinkUp = 1;

// struct virtio_net_hdr. The last field is there if the driver took VIRTIO_F_VERSION_1 or
// VIRTIO_NET_F_MRG_RXBUF.
struct Header {
  u8 flags;
  u8 gso_type;
  u16 hdr_len;
  u16 gso_size;
  u16 csum_start;
  u16 csum_offset;
  u16 num_buffers;
};
static_assert(sizeof(Header) == 12);
constexpr unsigned kLegacyHeaderSize = 10;

// struct virtio_net_ctrl, before the command's data
struct ControlHeader {
  u8 command_class;
  u8 command;
};
enum ControlClass : u8 { kClassRx = 0, kClassMac = 1, kClassVlan = 2 };
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
enum Ack : u8 { kOk = 0, kError = 1 };

// Addresses in a table that are looked at one by one; the device is free to take all when there
// are more. [virtio-1.2 §5.1.6.5.2.1 "Device Requirements: Setting MAC Address Filtering"]
constexpr u32 kMacTableSize = 64;
constexpr unsigned kVlanCount = 4096;

}  // namespace backplane::virtio_net
