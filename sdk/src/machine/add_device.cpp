// SPDX-License-Identifier: MIT
// Making devices, the board's own and those of -device, and taking them away.
#include <fmt/ranges.h>

#include <algorithm>

#include "backplane/catalogue.h"
#include "backplane/machine.h"
#include "backplane/options.h"

namespace backplane {

namespace {

using Properties = std::vector<std::pair<std::string, std::string>>;

void check_free_id(const Machine& machine, const std::string& id) {
  if (id.empty()) return;
  check_id(id);
  if (const Device* const other = machine.find_device(id))
    throw Error::of(
        "id '{}' is in use already, by a device of type {}; give each device an id of its own", id,
        other->type_name());
}

std::string names_of(const std::vector<Bus*>& buses) {
  if (buses.empty()) return "there are none";
  std::vector<std::string> names;
  for (const Bus* const bus : buses)
    names.push_back(fmt::format("{} ({})", bus->child_name(), bus->type_name()));
  return fmt::format("there are: {}", fmt::join(names, ", "));
}

bool has_bus(const Machine& machine, const std::string& type) {
  const std::vector<Bus*> all = machine.buses();
  return std::any_of(all.begin(), all.end(),
                     [&](const Bus* bus) { return bus->object_class().is_a(type); });
}

// The bus that a device of this class goes on: the one named, or the first with room.
Bus* choose_bus(Machine& machine, const DeviceClass& k, const std::string& wanted) {
  auto* const optional = machine.service<OptionalBuses>();
  if (optional != nullptr && machine.phases().current() != Phase::MachineReady &&
      !k.bus_type.empty() && !has_bus(machine, k.bus_type))
    optional->add_bus(k.bus_type);
  const std::vector<Bus*> all = machine.buses();
  if (k.bus_type.empty()) {
    if (!wanted.empty())
      throw Error::of("bus '{}': {} sits on no bus; leave out bus=", wanted, k.name);
    return nullptr;
  }
  std::vector<Bus*> fitting;
  std::copy_if(all.begin(), all.end(), std::back_inserter(fitting),
               [&](const Bus* bus) { return bus->object_class().is_a(k.bus_type); });
  if (!wanted.empty()) {
    Bus* const bus = machine.find_bus(wanted);
    if (bus == nullptr)
      throw Error::of("bus '{}' does not exist; {}", wanted, OwnText{names_of(all)});
    if (!bus->object_class().is_a(k.bus_type))
      throw Error::of("bus '{}' is of type {}; {} goes on a bus of type {}: {}", wanted,
                      bus->type_name(), k.name, k.bus_type, OwnText{names_of(fitting)});
    if (!bus->has_room()) throw Error::of("bus '{}' is full: it takes no more", wanted);
    return bus;
  }
  if (fitting.empty())
    throw Error::of("{} goes on a bus of type {}, and machine {} has none; {}", k.name, k.bus_type,
                    machine.type_name(), OwnText{names_of(all)});
  for (Bus* const bus : fitting)
    if (bus->has_room()) return bus;
  throw Error::of("no bus of type {} has room for another device: {}", k.bus_type,
                  OwnText{names_of(fitting)});
}

// Configures and realizes a new device as a child of `group`; takes it out again if that fails.
Device& put_in_place(Machine& machine, Object& group, const std::string& name,
                     std::unique_ptr<Device> created, const Properties& properties, Bus* bus) {
  Device& device = group.add_child(name, std::move(created));
  try {
    machine.apply_compat(device);
    for (const auto& [key, value] : properties) device.set_property(key, value);
    device.set_realized(machine, bus);
  } catch (...) {
    group.remove_child(device);
    throw;
  }
  return device;
}

}  // namespace

Device& Machine::create_device(std::string_view type, const Properties& properties, Bus* bus) {
  const auto& k = class_of_kind<DeviceClass>(kDeviceKind, type);
  if (bus == nullptr) bus = choose_bus(*this, k, "");
  return put_in_place(*this, *find("unattached"), "device[*]", create_object<Device>(k.name),
                      properties, bus);
}

Device& Machine::add_device(std::string_view type, const std::string& id, const std::string& bus,
                            const Properties& properties) {
  const auto& k = class_of_kind<DeviceClass>(kDeviceKind, type);
  if (!k.user_creatable)
    throw Error::of("{} is part of other devices or of the board and cannot be added", k.name)
        .with_hint("-device help lists the devices that can");
  const bool hot_plugged = phases_.current() == Phase::MachineReady;
  if (hot_plugged && !k.hotpluggable)
    throw Error::of("{} cannot be added to a running machine", k.name)
        .with_hint("give it on the command line");
  check_free_id(*this, id);
  Bus* const place = choose_bus(*this, k, bus);

  auto device = create_object<Device>(k.name);
  device->set_id(id);
  Device& added = put_in_place(*this, *find(id.empty() ? "peripheral-anon" : "peripheral"),
                               id.empty() ? "device[*]" : id, std::move(device), properties, place);
  if (hot_plugged) {
    added.reset();
    if (place != nullptr) place->hot_plugged(added);
  }
  return added;
}

void Machine::remove_device(Device& device) {
  Value::Record data;
  if (!device.id().empty()) data.push_back({"device", device.id()});
  data.push_back({"path", device.path()});
  device.set_unrealized();
  device.parent()->remove_child(device);
  events_.send(kDeviceDeletedEvent, std::move(data));
}

}  // namespace backplane
