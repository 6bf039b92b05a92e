// SPDX-License-Identifier: MIT
// What firmware calls a device that it may start an operating system from.
#pragma once

#include <string>

namespace backplane {

// A device with a property "bootindex" that sits on a controller's bus. Machine lock.
class BootDevice {
 public:
  // Behind the controller's path, in the notation of Open Firmware: "drive@0/disk@1".
  // [IEEE 1275 4.3 "Device path names"]
  virtual std::string boot_path() const = 0;

 protected:
  ~BootDevice() = default;
};

}  // namespace backplane
