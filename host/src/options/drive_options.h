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
  std::string interface;          // if=: what the device that comes with it is; "none": none does
  bool is_cdrom = false;          // media=
  bool is_empty = false;          // a CD drive without a disc: there are no nodes
  std::optional<bool> snapshot;   // what is written is forgotten at the end
  std::optional<unsigned> index;  // its place among those of the interface; none: the first free
  std::optional<unsigned> bus, unit;  // the same as a bus and a place on it

  bool makes_device() const { return interface != "none"; }
};

// The first, unnamed value is "file". Throws Error.
DriveOptions parse_drive(KeyValueList values);
// What -hda FILE and its like stand for, by the name of the option. Throws Error.
DriveOptions parse_named_drive(std::string_view option, const std::string& path);

// The format of an image whose format was not given: qcow2 for a file that is one, and has the name
// of one; else raw. Throws Error at a file that is one by another name: a guest may write what
// makes its raw disk look like qcow2, and with that reach other files. What cannot be read is raw.
std::string format_for(const std::string& path);

}  // namespace backplane::host
