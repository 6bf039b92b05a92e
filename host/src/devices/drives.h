// SPDX-License-Identifier: MIT
// Opens the images of -drive and -blockdev.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "backplane/options.h"

namespace backplane {
class Machine;
}

namespace backplane::host {

// A device that a drive brings along (if=virtio), to be made after those of -device.
struct DriveDevice {
  std::string given;
  std::string driver;
  std::vector<std::pair<std::string, std::string>> properties;
};

// Opens every image and puts it into the BlockRegistry. Throws Error. Machine lock held.
std::vector<DriveDevice> open_drives(Machine& machine, const CommandLine& line);

}  // namespace backplane::host
