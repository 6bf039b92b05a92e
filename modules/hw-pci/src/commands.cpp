// SPDX-License-Identifier: MIT
// query-pci: what is on the bus of a host bridge.
#include <fmt/format.h>

#include "backplane/pci/host_bridge.h"
#include "backplane/pci/pci_device.h"

namespace backplane {

using namespace pci;

namespace {

// A base address register that decodes; null if it does not.
Value region_of(const PciDevice& device, unsigned index) {
  const std::optional<u64> address = device.bar_address(index);
  if (!address) return {};
  const u32 bar = device.config().get32(kBar0 + index * 4);
  const bool is_io = (bar & kBarIo) != 0;
  Value::Record region{{"bar", index},
                       {"type", is_io ? "io" : "memory"},
                       {"address", *address},
                       {"size", device.bar_region(index)->size()}};
  if (!is_io) {
    region.push_back({"prefetch", (bar & kBarPrefetchable) != 0});
    region.push_back({"mem_type_64", (bar & kBarMemory64) != 0});
  }
  return region;
}

Value function_of(const PciDevice& device) {
  const PciConfigSpace& config = device.config();
  Value::List regions;
  for (unsigned index = 0; index < 6; ++index)
    if (Value region = region_of(device, index); !region.is_null())
      regions.push_back(std::move(region));
  Value::Record id{{"device", config.get16(kDeviceId)}, {"vendor", config.get16(kVendorId)}};
  if (config.get16(kSubsystemVendorId) != 0) {
    id.push_back({"subsystem-vendor", config.get16(kSubsystemVendorId)});
    id.push_back({"subsystem", config.get16(kSubsystemId)});
  }
  Value::Record function{{"qdev_id", device.id()},
                         {"bus", 0},
                         {"slot", device.slot()},
                         {"function", device.function()},
                         {"class_info", Value::Record{{"class", config.get32(kRevisionId) >> 16}}},
                         {"id", std::move(id)},
                         {"irq_pin", config.get8(kInterruptPin)},
                         {"regions", std::move(regions)}};
  if (config.get8(kInterruptPin) != 0) function.push_back({"irq", config.get8(kInterruptLine)});
  return function;
}

Value query(CommandContext& context, const Arguments&) {
  const PciBus& bus = dynamic_cast<PciHostBridge&>(*context.offering).pci_bus();
  Value::List devices;
  for (unsigned devfn = 0; devfn < PciBus::kFunctions; ++devfn)
    if (const PciDevice* const device = bus.device_at(static_cast<u8>(devfn)))
      devices.push_back(function_of(*device));
  return Value::List{Value::Record{{"bus", 0}, {"devices", std::move(devices)}}};
}

// As people list a bus: "00:03.0 1af4:1001 class 0100, id disk0".
std::string print(const Value& buses) {
  std::string text;
  for (const Value& bus : buses.as_list())
    for (const Value& device : bus.find("devices")->as_list()) {
      text += fmt::format("{:02x}:{:02x}.{:x} {:04x}:{:04x} class {:04x}",
                          device.find("bus")->as_unsigned(), device.find("slot")->as_unsigned(),
                          device.find("function")->as_unsigned(),
                          device.find("id")->find("vendor")->as_unsigned(),
                          device.find("id")->find("device")->as_unsigned(),
                          device.find("class_info")->find("class")->as_unsigned());
      if (const std::string& id = device.find("qdev_id")->as_string(); !id.empty())
        text += ", id " + id;
      text += '\n';
      for (const Value& region : device.find("regions")->as_list())
        text +=
            fmt::format("  bar {}: {} at {:#x}, {:#x} bytes\n", region.find("bar")->as_unsigned(),
                        region.find("type")->as_string(), region.find("address")->as_unsigned(),
                        region.find("size")->as_unsigned());
    }
  return text;
}

constexpr TypeMember kRegionMembers[] = {{"bar", &kInteger},
                                         {"type", &kText},
                                         {"address", &kInteger},
                                         {"size", &kBytes},
                                         {"prefetch", &kBoolean, true},
                                         {"mem_type_64", &kBoolean, true}};
constexpr ValueType kRegion = record_of(kRegionMembers);
constexpr ValueType kRegions = list_of(kRegion);
constexpr TypeMember kIdMembers[] = {{"device", &kInteger},
                                     {"vendor", &kInteger},
                                     {"subsystem-vendor", &kInteger, true},
                                     {"subsystem", &kInteger, true}};
constexpr ValueType kId = record_of(kIdMembers);
constexpr TypeMember kClassMembers[] = {{"class", &kInteger}};
constexpr ValueType kClass = record_of(kClassMembers);
constexpr TypeMember kFunctionMembers[] = {
    {"qdev_id", &kText},     {"bus", &kInteger},      {"slot", &kInteger},
    {"function", &kInteger}, {"class_info", &kClass}, {"id", &kId},
    {"irq_pin", &kInteger},  {"regions", &kRegions},  {"irq", &kInteger, true}};
constexpr ValueType kFunction = record_of(kFunctionMembers);
constexpr ValueType kFunctions = list_of(kFunction);
constexpr TypeMember kBusMembers[] = {{"bus", &kInteger}, {"devices", &kFunctions}};
constexpr ValueType kBus = record_of(kBusMembers);
constexpr ValueType kBuses = list_of(kBus);

constexpr backplane::Command kCommands[] = {
    {.name = "query-pci",
     .help = "the devices on the PCI bus, and where they answer",
     .returns = &kBuses,
     .run = query,
     .print = print}};

}  // namespace

std::span<const backplane::Command> PciHostBridge::commands() const { return kCommands; }

}  // namespace backplane
