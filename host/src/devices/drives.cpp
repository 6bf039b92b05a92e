// SPDX-License-Identifier: MIT
#include "devices/drives.h"

#include <algorithm>
#include <optional>

#include "backplane/block.h"
#include "report.h"

namespace backplane::host {

namespace {

// The disks of if=virtio by their places.
class Places {
 public:
  void add(std::optional<unsigned> index, ImpliedDevice disk) {
    unsigned place = index.value_or(0);
    while (!index && disks_.contains(place)) ++place;
    if (!disks_.try_emplace(place, std::move(disk)).second)
      throw Error::of("index={}: another -drive has that place", place);
  }
  std::vector<ImpliedDevice> in_order() const {
    std::vector<ImpliedDevice> disks;
    for (const auto& [place, disk] : disks_) disks.push_back(disk);
    return disks;
  }

 private:
  std::map<unsigned, ImpliedDevice> disks_;
};

// A file that is named in place needs no driver.
void name_protocols(Properties& properties) {
  constexpr std::string_view kFilename = ".filename";
  Properties drivers;
  for (const auto& [key, value] : properties) {
    if (!key.ends_with(kFilename)) continue;
    const std::string driver = key.substr(0, key.size() - kFilename.size()) + ".driver";
    const bool named = std::any_of(properties.begin(), properties.end(),
                                   [&](const auto& other) { return other.first == driver; });
    if (!named) drivers.emplace_back(driver, protocol_for(value));
  }
  properties.insert(properties.end(), drivers.begin(), drivers.end());
}

void open_node(Backends& backends, KeyValueList values) {
  const auto driver = values.take("driver");
  if (!driver) throw Error("driver is missing: -blockdev help lists those there are");
  const auto name = values.take("node-name");
  if (!name) throw Error("node-name is missing: expects a name to refer to the node by");
  Properties properties = values.pairs();
  name_protocols(properties);
  backends.add(kBlockKind, *driver, *name, properties);
}

}  // namespace

Drives open_drives(Backends& backends, const Machine& machine, const Configuration& asked) {
  for (const GivenOption* option : asked.blockdevs)
    with_values(*option, [&](KeyValueList values) { open_node(backends, std::move(values)); });

  Drives drives;
  Places places;
  unsigned number = 0;
  for (const GivenOption* option : asked.drives)
    with_values(*option, [&](KeyValueList values) {
      DriveOptions drive = parse_drive(std::move(values));
      if (drive.id.empty())
        drive.id = fmt::format("{}{}", drive.makes_device ? "virtio" : "none", number);
      ++number;
      const std::string file = drive.id + ".file";
      backends.add(kBlockKind, drive.protocol, file, drive.protocol_node);
      drive.format_node.emplace_back("file", file);
      backends.add(kBlockKind, drive.format, drive.id, drive.format_node);
      if (drive.makes_device) {
        ImpliedDevice disk{option->text, machine.machine_class().default_disk, drive.device};
        if (disk.driver.empty())
          throw Error::of("machine {} has no place for if=virtio: give if=none, and name a -device",
                          machine.type_name());
        disk.properties.emplace_back("drive", drive.id);
        places.add(drive.index, std::move(disk));
      } else {
        drives.properties.emplace(drive.id, drive.device);
      }
    });
  drives.disks = places.in_order();
  return drives;
}

}  // namespace backplane::host
