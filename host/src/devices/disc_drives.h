// SPDX-License-Identifier: MIT
// Drives whose medium can be changed while the machine runs, as their properties have it:
// "tray-open", "locked", "medium-name" and "drive". Machine lock.
#pragma once

#include <string>
#include <vector>

#include "backplane/device.h"

namespace backplane::host {

bool is_disc_drive(const Object& device);
std::vector<Device*> disc_drives(Machine& machine);
// By its id or path, the id of the node in it, or its medium-name. Throws Error: there is none, or
// its medium cannot be changed.
Device& find_disc_drive(Machine& machine, const std::string& name);
// By which they can be found: for completion.
std::vector<std::string> disc_drive_names(Machine& machine);

bool is_tray_open(const Device& drive);
// Does nothing if it is. Returns false if the guest has locked it, which then knows that it is
// wanted; `force` takes the lock away.
bool open_tray(Device& drive, bool force);
void close_tray(Device& drive);

}  // namespace backplane::host
