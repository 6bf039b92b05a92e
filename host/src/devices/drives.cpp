// SPDX-License-Identifier: MIT
#include "devices/drives.h"

#include "backplane/block.h"
#include "backplane/machine.h"
#include "options/drive_options.h"
#include "report.h"

namespace backplane::host {

namespace {

// What if=virtio stands for.
constexpr const char* kVirtioDisk = "virtio-blk-pci";

void open(Machine& machine, const BlockOptions& options) {
  auto backend = open_block_backend(machine.main_loop(), options);
  if (machine.config().icount.enabled)
    backend = make_reproducible(machine.virtual_clock(), std::move(backend));
  BlockRegistry::instance().add(std::move(backend));
}

DriveDevice disk_of(const std::string& given, const BlockOptions& block) {
  DriveDevice disk{given, kVirtioDisk, {{"drive", block.id}}};
  if (!block.serial.empty()) disk.properties.emplace_back("serial", block.serial);
  return disk;
}

}  // namespace

std::vector<DriveDevice> open_drives(Machine& machine, const CommandLine& line) {
  BlockNodes nodes;
  const auto blockdevs = line.group("blockdev");
  for (const GivenOption* option : blockdevs)
    with_values(*option, [&](KeyValueList values) { nodes.add(std::move(values)); });
  for (const BlockNodes::Root& root : nodes.roots())
    with_option(blockdevs[root.option]->text, [&] { open(machine, root.block); });

  std::vector<DriveDevice> devices;
  unsigned number = 0;
  for (const GivenOption* option : line.group("drive"))
    with_values(*option, [&](KeyValueList values) {
      DriveOptions drive = parse_drive(std::move(values));
      if (drive.block.id.empty())
        drive.block.id = fmt::format("{}{}", drive.makes_device ? "virtio" : "none", number);
      ++number;
      open(machine, drive.block);
      if (drive.makes_device) devices.push_back(disk_of(option->text, drive.block));
    });
  return devices;
}

}  // namespace backplane::host
