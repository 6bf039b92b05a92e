// SPDX-License-Identifier: MIT
#include "commands/device_tree.h"

#include "backplane/command.h"
#include "backplane/device.h"
#include "backplane/machine.h"

namespace backplane::host {

namespace {

void print_device(const Device& device, unsigned depth, std::string& text);

void print_bus(const Bus& bus, unsigned depth, std::string& text) {
  text += fmt::format("{:{}}bus: {} ({})\n", "", depth, bus.child_name(), bus.type_name());
  for (const Device* device : bus.devices()) print_device(*device, depth + 2, text);
}

void print_device(const Device& device, unsigned depth, std::string& text) {
  text += fmt::format("{:{}}dev: {}, id \"{}\"\n", "", depth, device.type_name(), device.id());
  const std::string description = device.describe();
  if (!description.empty()) text += fmt::format("{:{}}  {}\n", "", depth, description);
  // A CPU has a property for each of its many features: -cpu MODEL,help has them.
  const bool is_cpu = dynamic_cast<const Cpu*>(&device) != nullptr;
  for (const Property& property : device.object_class().properties)
    if (property.get != nullptr && !is_cpu)
      text += fmt::format("{:{}}  {} = {}\n", "", depth, property.name, property.get(device));
  for (const Bus* bus : device.child_buses()) print_bus(*bus, depth + 2, text);
}

}  // namespace

std::string device_tree(Machine& machine) {
  std::string text;
  for (const Device* device : objects_offering<Device>(machine))
    if (device->bus() == nullptr) print_device(*device, 0, text);
  return text;
}

}  // namespace backplane::host
