// SPDX-License-Identifier: MIT
// Opens the images of -drive and -blockdev.
#pragma once

#include <vector>

#include "backplane/options.h"
#include "devices/devices.h"

namespace backplane {
class Machine;
}

namespace backplane::host {

// Opens every image and puts it into the BlockRegistry; returns the disks that -drive stands for
// (if=virtio), to be added after the devices of -device. Throws Error. Machine lock held.
std::vector<ImpliedDevice> open_drives(Machine& machine, const CommandLine& line);

}  // namespace backplane::host
