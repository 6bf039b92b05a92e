// SPDX-License-Identifier: MIT
#include "devices/disc_drives.h"

#include "backplane/backend.h"
#include "backplane/command.h"
#include "backplane/machine.h"
#include "backplane/shown.h"

namespace backplane::host {

namespace {

constexpr std::string_view kTrayOpen = "tray-open";

// The device that uses the node of that name; null if there is none.
Device* user_of_node(Machine& machine, const std::string& name) {
  const auto* const node =
      dynamic_cast<const Backend*>(machine.find(fmt::format("{}/{}", Backends::kPath, name)));
  const Object* const user = node != nullptr ? node->user() : nullptr;
  return user != nullptr ? dynamic_cast<Device*>(machine.find(user->path())) : nullptr;
}

}  // namespace

bool is_disc_drive(const Object& device) {
  return device.object_class().find_property(kTrayOpen) != nullptr;
}

std::vector<Device*> disc_drives(Machine& machine) {
  std::vector<Device*> drives = objects_offering<Device>(machine);
  std::erase_if(drives, [](const Device* device) { return !is_disc_drive(*device); });
  return drives;
}

Device& find_disc_drive(Machine& machine, const std::string& name) {
  Device* found = machine.find_device(name);
  if (found == nullptr) found = user_of_node(machine, name);
  if (found == nullptr && !name.empty())
    for (Device* const drive : disc_drives(machine))
      if (drive->get_property("medium-name") == name) found = drive;
  if (found == nullptr)
    throw CommandError("DeviceNotFound", fmt::format("Device '{}' not found", shown(name)));
  if (!is_disc_drive(*found)) throw Error::of("Device '{}' is not removable", name);
  return *found;
}

std::vector<std::string> disc_drive_names(Machine& machine) {
  std::vector<std::string> names;
  for (const Device* const drive : disc_drives(machine)) {
    const std::string medium = drive->get_property("medium-name");
    if (!drive->id().empty()) names.push_back(drive->id());
    if (!medium.empty()) names.push_back(medium);
  }
  return names;
}

bool is_tray_open(const Device& drive) { return drive.get_value(kTrayOpen).as_bool(); }

bool open_tray(Device& drive, bool force) {
  if (is_tray_open(drive)) return true;
  // The guest of one that is locked is asked first, also where it is not waited for.
  drive.set_value(kTrayOpen, true);
  if (is_tray_open(drive) || !force) return is_tray_open(drive);
  drive.set_value("locked", false);
  drive.set_value(kTrayOpen, true);
  return is_tray_open(drive);
}

void close_tray(Device& drive) { drive.set_value(kTrayOpen, false); }

}  // namespace backplane::host
