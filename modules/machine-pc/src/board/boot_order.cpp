// SPDX-License-Identifier: MIT
#include "board/boot_order.h"

#include <map>

#include "backplane/boot_device.h"
#include "backplane/pci/pci_device.h"

namespace backplane::pc {

namespace {

constexpr std::string_view kBootIndex = "bootindex";
constexpr u32 kSubClassShift = 8, kIde = 0x0101, kNetwork = 0x02;

// What the name of a node says of the function, and what is behind it if it is itself started from.
struct Node {
  std::string_view name;
  std::string_view behind;
};
Node node_of(const PciDevice& device) {
  const u32 sub_class = device.pci_class().identity.class_code >> kSubClassShift;
  if (sub_class == kIde) return {"ide", {}};
  if (sub_class >> 8 == kNetwork) return {"ethernet", "/ethernet-phy@0"};
  return {"scsi", "/disk@0,0"};
}

std::string path_of(const PciDevice& device) {
  std::string unit = fmt::format("{:x}", device.slot());
  if (device.function() != 0) unit += fmt::format(",{:x}", device.function());
  return fmt::format("/pci@i0cf8/{}@{}", node_of(device).name, unit);
}

using Places = std::multimap<i64, std::string>;

void add(Places& places, const Device& device, std::string path) {
  if (device.object_class().find_property(kBootIndex) == nullptr) return;
  const i64 place = device.get_value(kBootIndex).as_signed();
  if (place >= 0) places.emplace(place, std::move(path));
}

// What sits on buses behind a device, however deep.
void add_behind(Places& places, const Device& controller, const std::string& path) {
  for (const Bus* const bus : controller.child_buses())
    for (const Device* const device : bus->devices()) {
      if (const auto* const bootable = dynamic_cast<const BootDevice*>(device))
        add(places, *device, path + "/" + bootable->boot_path());
      add_behind(places, *device, path);
    }
}

}  // namespace

std::string boot_order(const PciBus& bus, bool strict) {
  Places places;
  for (unsigned devfn = 0; devfn < PciBus::kFunctions; ++devfn) {
    const PciDevice* const function = bus.device_at(static_cast<u8>(devfn));
    if (function == nullptr) continue;
    add(places, *function, path_of(*function) + std::string(node_of(*function).behind));
    add_behind(places, *function, path_of(*function));
  }
  if (places.empty()) return {};
  std::string order;
  for (const auto& [place, path] : places) order += path + "\n";
  return strict ? order + "HALT\n" : order;
}

}  // namespace backplane::pc
