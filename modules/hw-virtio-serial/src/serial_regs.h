// SPDX-License-Identifier: MIT
// [virtio-1.2 §5.3 "Console Device"]
#pragma once

#include "backplane/types.h"

namespace backplane::virtio_console {

enum Feature : unsigned { kSize = 0, kMultiport = 1, kEmergWrite = 2 };

// struct virtio_console_config
enum Config : unsigned { kCols = 0, kRows = 2, kMaxNrPorts = 4, kEmergWr = 8, kConfigSize = 12 };

// struct virtio_console_control
struct Control {
  u32 id;
  u16 event;
  u16 value;
};
static_assert(sizeof(Control) == 8);
enum ControlEvent : u16 {
  kDeviceReady = 0,
  kDeviceAdd = 1,
  kDeviceRemove = 2,
  kPortReady = 3,
  kConsolePort = 4,
  kResize = 5,
  kPortOpen = 6,
  kPortName = 7,
};

// [virtio-1.2 §5.3.2 "Virtqueues"]
constexpr unsigned kControlReceiveQueue = 2;
constexpr unsigned kControlTransmitQueue = 3;
constexpr unsigned receive_queue_of(unsigned port) { return port == 0 ? 0 : 2 + 2 * port; }
constexpr unsigned port_of(unsigned queue) { return queue < 2 ? 0 : queue / 2 - 1; }

}  // namespace backplane::virtio_console
