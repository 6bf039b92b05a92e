// SPDX-License-Identifier: MIT
#include "devices/drives.h"

#include <algorithm>
#include <optional>

#include "backplane/block.h"
#include "devices/temporary_overlay.h"
#include "options/block_protocol.h"
#include "report.h"

namespace backplane::host {

namespace {

constexpr std::string_view kVirtio = "virtio";

// The drives of one interface by their places.
class Places {
 public:
  // The place that it has then.
  unsigned add(std::optional<unsigned> index, ImpliedDevice disk) {
    unsigned place = index.value_or(0);
    while (!index && disks_.contains(place)) ++place;
    if (!disks_.try_emplace(place, std::move(disk)).second)
      throw Error::of("index={}: another drive has that place", place);
    return place;
  }
  ImpliedDevice& at(unsigned place) { return disks_.at(place); }
  const std::map<unsigned, ImpliedDevice>& in_order() const { return disks_; }

 private:
  std::map<unsigned, ImpliedDevice> disks_;
};

DriveInterface virtio_of(const MachineClass& machine) {
  const char* const disk = machine.default_disk.empty() ? nullptr : machine.default_disk.c_str();
  DriveInterface interface {};
  interface.name = kVirtio.data();
  interface.disk = interface.cdrom = disk;
  return interface;
}

// Throws Error if the machine has no such interface.
DriveInterface interface_of(const MachineClass& machine, const std::string& name) {
  if (name == kVirtio) return virtio_of(machine);
  std::string known(kVirtio);
  for (const DriveInterface& interface : machine.drive_interfaces) {
    if (interface.name == name) return interface;
    known += fmt::format(", {}", interface.name);
  }
  throw Error::of("if={}: machine {} has no such interface: expects {} or none", name, machine.name,
                  OwnText{known});
}

std::optional<unsigned> asked_place(const DriveInterface& interface, const DriveOptions& drive) {
  if (!drive.bus && !drive.unit) return drive.index;
  if (drive.bus && interface.units == 0)
    throw Error::of("bus={}: {} has no buses: give index=", *drive.bus, interface.name);
  if (interface.units != 0 && drive.unit.value_or(0) >= interface.units)
    throw Error::of("unit={}: a bus of {} has units 0 to {}", *drive.unit, interface.name,
                    interface.units - 1);
  return drive.bus.value_or(0) * interface.units + drive.unit.value_or(0);
}

// The place that it has then.
unsigned take_place(Places& places, const DriveInterface& interface, const DriveOptions& drive,
                    ImpliedDevice device) {
  const unsigned place = places.add(asked_place(interface, drive), std::move(device));
  if (interface.places != 0 && place >= interface.places)
    throw Error::of("if={} has room for {} drives, with index=0 to {}", interface.name,
                    interface.places, interface.places - 1);
  return place;
}

void put(Places& places, const DriveInterface& interface, const DriveOptions& drive,
         ImpliedDevice device) {
  const unsigned place = take_place(places, interface, drive, std::move(device));
  if (interface.units == 0) return;
  ImpliedDevice& there = places.at(place);
  there.bus = fmt::format("{}.{}", interface.bus, place / interface.units);
  there.properties.emplace_back("unit", fmt::format("{}", place % interface.units));
}

DriveOptions options_of(const GivenOption& option) {
  return option.name() == "drive" ? parse_drive(option.list())
                                  : parse_named_drive(option.name(), option.value);
}

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

std::string protocol_node_name(const std::string& id) { return id + ".file"; }

bool is_read_only(const Properties& properties) {
  return std::any_of(properties.begin(), properties.end(), [](const auto& property) {
    return property.first == "read-only" && property.second == "on";
  });
}

// A file, a format on it, and what is above that if the image is to stay as it is. Returns their
// ids, from the top down.
std::vector<std::string> add_nodes(Backends& backends, DriveOptions& drive, bool snapshot) {
  const bool temporary = drive.snapshot.value_or(snapshot) && !is_read_only(drive.format_node);
  if (temporary)
    for (Properties* const node : {&drive.protocol_node, &drive.format_node}) {
      std::erase_if(*node, [](const auto& property) { return property.first == "read-only"; });
      node->emplace_back("read-only", "on");
    }
  const std::string file = protocol_node_name(drive.id);
  backends.add(kBlockKind, drive.protocol, file, drive.protocol_node);
  drive.format_node.emplace_back("file", file);
  const std::string disk = temporary ? drive.id + ".image" : drive.id;
  Backend& image = backends.add(kBlockKind, drive.format, disk, drive.format_node);
  if (!temporary) return {disk, file};
  add_temporary_overlay(backends, drive.id, dynamic_cast<const BlockNode&>(image));
  return {drive.id, temporary_overlay_file(drive.id), disk, file};
}

// `driver`: of the device; null if the board has it.
void expect_changeable(const DriveInterface& interface, const char* driver) {
  if (driver == nullptr || std::string_view(driver) == interface.disk)
    throw Error::of("file is missing: a disk of if={} is never empty", interface.name);
}

}  // namespace

Drives open_drives(Backends& backends, Machine& machine, const Configuration& asked) {
  for (const GivenOption* option : asked.blockdevs)
    with_values(*option, [&](KeyValueList values) { open_node(backends, std::move(values)); });

  Drives drives;
  std::map<std::string, Places> places;
  unsigned number = 0;
  const MachineClass& machine_class = machine.machine_class();
  for (const GivenOption* option : asked.drives)
    with_option(option->text, [&] {
      DriveOptions drive = options_of(*option);
      if (drive.id.empty()) drive.id = fmt::format("{}{}", drive.interface, number);
      ++number;
      if (!drive.is_empty)
        drives.nodes.emplace(drive.id, add_nodes(backends, drive, asked.snapshot));
      if (!drive.makes_device()) {
        drives.uses.emplace(drive.id, DriveUse{drive.device, drive.is_empty});
        return;
      }
      const DriveInterface interface = interface_of(machine_class, drive.interface);
      if (interface.board_property != nullptr) {
        if (drive.is_empty) expect_changeable(interface, nullptr);
        if (!drive.device.empty())
          throw Error::of("{}: no property of if={}", drive.device.front().first, drive.interface);
        const unsigned place =
            take_place(places[drive.interface], interface, drive, {option->text, {}, {}});
        machine.set_property(fmt::format("{}{}", interface.board_property, place), drive.id);
        return;
      }
      const char* const driver = drive.is_cdrom ? interface.cdrom : interface.disk;
      if (driver == nullptr)
        throw Error::of("machine {} has no place for if={}: give if=none, and name a -device",
                        machine.type_name(), drive.interface);
      ImpliedDevice device{option->text, driver, drive.device};
      if (drive.is_empty) expect_changeable(interface, driver);
      device.properties.emplace_back(drive.is_empty ? "medium-name" : "drive", drive.id);
      put(places[drive.interface], interface, drive, std::move(device));
    });
  for (const auto& [interface, of_it] : places)
    for (const auto& [place, device] : of_it.in_order())
      if (!device.driver.empty()) drives.disks.push_back(device);
  return drives;
}

void open_disc(Backends& backends, Drives& drives, const std::string& id, const std::string& file,
               const std::string& format) {
  Properties keys{{"file", file}, {"id", id}, {"media", "cdrom"}};
  if (!format.empty()) keys.emplace_back("format", format);
  DriveOptions drive = parse_drive(KeyValueList::of(std::move(keys)));
  if (drive.is_empty) throw Error("filename is empty: expects the path of an image");
  try {
    drives.nodes.insert_or_assign(id, add_nodes(backends, drive, false));
    drives.discs.insert(id);
  } catch (...) {
    const std::string below = protocol_node_name(id);
    if (backends.find(below) != nullptr) backends.remove(below);
    throw;
  }
}

void close_drive(Backends& backends, Drives& drives, const std::string& id) {
  const auto found = drives.nodes.find(id);
  if (found == drives.nodes.end()) return;
  for (const std::string& node : found->second) backends.remove(node);
  drives.nodes.erase(found);
  drives.discs.erase(id);
}

void close_unused_discs(Backends& backends, Drives& drives) {
  for (const std::string& id : std::set(drives.discs)) {
    const auto* const node = dynamic_cast<const BlockNode*>(backends.find(id));
    if (node != nullptr && node->user() == nullptr) close_drive(backends, drives, id);
  }
}

}  // namespace backplane::host
