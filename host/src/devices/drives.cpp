// SPDX-License-Identifier: MIT
#include "devices/drives.h"

#include <map>
#include <optional>

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
  backend = make_error_policy([&machine] { machine.request_stop(StopCause::IoError); },
                              options.on_error, std::move(backend));
  BlockRegistry::instance().add(std::move(backend));
}

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

}  // namespace

std::vector<ImpliedDevice> open_drives(Machine& machine, const CommandLine& line) {
  machine.on_run_state([](bool running) {
    if (!running) return;
    for (BlockBackend* const backend : BlockRegistry::instance().all()) backend->retry();
  });
  BlockNodes nodes;
  const auto blockdevs = line.group("blockdev");
  for (const GivenOption* option : blockdevs)
    with_values(*option, [&](KeyValueList values) { nodes.add(std::move(values)); });
  for (const BlockNodes::Root& root : nodes.roots())
    with_option(blockdevs[root.option]->text, [&] { open(machine, root.block); });

  Places places;
  unsigned number = 0;
  for (const GivenOption* option : line.group("drive"))
    with_values(*option, [&](KeyValueList values) {
      DriveOptions drive = parse_drive(std::move(values));
      if (drive.block.id.empty())
        drive.block.id = fmt::format("{}{}", drive.makes_device ? "virtio" : "none", number);
      ++number;
      open(machine, drive.block);
      if (drive.makes_device)
        places.add(drive.index, {option->text, kVirtioDisk, {{"drive", drive.block.id}}});
    });
  return places.in_order();
}

}  // namespace backplane::host
