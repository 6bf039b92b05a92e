// SPDX-License-Identifier: MIT
// -drive: what it stands for, without opening anything.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backplane/options.h"
#include "devices/devices.h"

namespace backplane::host {

// One -drive: a protocol node for its file, a format node on it, and a disk that uses that.
struct DriveOptions {
  std::string id;      // of the format node; empty: not given
  std::string format;  // block drivers, as -blockdev names them
  std::string protocol;
  Properties format_node;
  Properties protocol_node;
  Properties device;              // of whatever device has drive=ID
  bool makes_device = false;      // if=virtio: one comes with it
  std::optional<unsigned> index;  // its place among these; none: the first that is free
};

// The first, unnamed value is "file". Throws Error.
DriveOptions parse_drive(KeyValueList values);

// The driver for a file that is named without one: that of block devices, if it is one.
std::string protocol_for(const std::string& path);

}  // namespace backplane::host
