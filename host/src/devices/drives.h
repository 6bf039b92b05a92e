// SPDX-License-Identifier: MIT
// Opens the images of -drive and -blockdev.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backplane/backend.h"
#include "devices/devices.h"
#include "options/configuration.h"
#include "options/drive_options.h"

namespace backplane::host {

// What -drive says of devices.
struct Drives {
  // The disks that it stands for (if=virtio), to be added after the devices of -device.
  std::vector<ImpliedDevice> disks;
  // What it sets of the device that names it, by its id.
  std::map<std::string, Properties> properties;
};

// Opens every image. Throws Error. Machine lock held.
Drives open_drives(Backends& backends, Machine& machine, const Configuration& asked);

}  // namespace backplane::host
