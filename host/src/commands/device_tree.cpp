// SPDX-License-Identifier: MIT
#include "commands/device_tree.h"

#include "backplane/command.h"
#include "backplane/device.h"
#include "backplane/machine.h"

namespace backplane::host {

namespace {

Value describe(const Device& device) {
  Value::Record record{{"type", device.type_name()}, {"id", device.id()}};
  if (std::string text = device.describe(); !text.empty())
    record.push_back({"description", std::move(text)});
  Value::Record properties;
  if (dynamic_cast<const Cpu*>(&device) == nullptr)
    for (const Property& property : device.object_class().properties)
      if (property.get != nullptr)
        properties.push_back({property.name, property.get(device, property)});
  record.push_back({"properties", std::move(properties)});
  Value::List buses;
  for (const Bus* const bus : device.child_buses()) {
    Value::List devices;
    for (const Device* const below : bus->devices()) devices.push_back(describe(*below));
    buses.push_back(Value::Record{
        {"name", bus->child_name()}, {"type", bus->type_name()}, {"devices", std::move(devices)}});
  }
  if (!buses.empty()) record.push_back({"buses", std::move(buses)});
  return record;
}

void print_device(const Value& device, unsigned depth, std::string& text) {
  text += fmt::format("{:{}}dev: {}, id \"{}\"\n", "", depth, device.find("type")->as_string(),
                      device.find("id")->as_string());
  if (const Value* const description = device.find("description"))
    text += fmt::format("{:{}}  {}\n", "", depth, description->as_string());
  for (const Value::Field& property : device.find("properties")->as_record())
    text += fmt::format("{:{}}  {} = {}\n", "", depth, property.name,
                        property_text(kAnything, property.value));
  if (const Value* const buses = device.find("buses"))
    for (const Value& bus : buses->as_list()) {
      text += fmt::format("{:{}}  bus: {} ({})\n", "", depth, bus.find("name")->as_string(),
                          bus.find("type")->as_string());
      for (const Value& below : bus.find("devices")->as_list())
        print_device(below, depth + 4, text);
    }
}

}  // namespace

Value device_tree(Machine& machine) {
  Value::List devices;
  for (const Device* const device : objects_offering<Device>(machine))
    if (device->bus() == nullptr) devices.push_back(describe(*device));
  return devices;
}

std::string print_device_tree(const Value& devices) {
  std::string text;
  for (const Value& device : devices.as_list()) print_device(device, 0, text);
  return text.empty() ? "no devices\n" : text;
}

}  // namespace backplane::host
