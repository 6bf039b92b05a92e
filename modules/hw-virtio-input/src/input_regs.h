// SPDX-License-Identifier: MIT
// [virtio-1.2 §5.8 "Input Device"], and the numbers of Linux's event interface, which it uses.
#pragma once

#include "backplane/types.h"

namespace backplane::virtio_input {

constexpr u16 kIdInput = 18;  // virtio::DeviceId

// [virtio-1.2 §5.8.2 "Virtqueues"]
enum Queue : unsigned { kEventQueue = 0, kStatusQueue = 1 };

// struct virtio_input_config
enum Config : unsigned { kSelect = 0, kSubsel = 1, kSize = 2, kUnion = 8, kConfigSize = 136 };
enum ConfigSelect : u8 {
  kUnset = 0x00,
  kIdName = 0x01,
  kIdSerial = 0x02,
  kIdDevids = 0x03,
  kPropBits = 0x10,
  kEvBits = 0x11,
  kAbsInfo = 0x12,
};

// struct virtio_input_event
struct WireEvent {
  u16 type;
  u16 code;
  u32 value;
};
static_assert(sizeof(WireEvent) == 8);

// [linux-input "Event types", "Event codes"]
enum EventType : u8 {
  kEvSyn = 0x00,
  kEvKey = 0x01,
  kEvRel = 0x02,
  kEvAbs = 0x03,
  kEvLed = 0x11,
  kEvRep = 0x14,
};
enum RelativeAxis : u8 { kRelX = 0, kRelY = 1, kRelHwheel = 6, kRelWheel = 8 };
enum AbsoluteAxis : u8 { kAbsX = 0, kAbsY = 1 };
enum Led : u8 { kLedNumLock = 0, kLedCapsLock = 1, kLedScrollLock = 2 };
enum Button : u16 {
  kBtnLeft = 0x110,
  kBtnRight = 0x111,
  kBtnMiddle = 0x112,
  kBtnSide = 0x113,
  kBtnExtra = 0x114,
};
constexpr u16 kBusVirtual = 0x06;

}  // namespace backplane::virtio_input
