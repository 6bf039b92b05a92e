// SPDX-License-Identifier: MIT
// Opens the images of -drive and -blockdev.
#pragma once

#include <map>
#include <set>
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
  std::map<std::string, DriveUse> uses;
  // The nodes that it made, by the id of the one on top, that first: they go with the medium of a
  // drive whose medium is taken out.
  std::map<std::string, std::vector<std::string>> nodes;
  // Those of open_disc(), which go with their drive, too.
  std::set<std::string> discs;
};

// Opens every image. Throws Error. Machine lock held.
Drives open_drives(Backends& backends, Machine& machine, const Configuration& asked);

// Opens a disc as -drive media=cdrom does, as a node called `id`; an empty format is looked for in
// the file. Throws Error, and leaves nothing behind. Machine lock held.
void open_disc(Backends& backends, Drives& drives, const std::string& id, const std::string& file,
               const std::string& format);
// Closes the nodes of that id if they are of a -drive, or of open_disc(); others stay. Throws Error
// if one is in use. Machine lock held.
void close_drive(Backends& backends, Drives& drives, const std::string& id);
// Closes the discs whose drives have gone. Machine lock held.
void close_unused_discs(Backends& backends, Drives& drives);

}  // namespace backplane::host
