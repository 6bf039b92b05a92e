// SPDX-License-Identifier: MIT
#include "board/boot_order.h"

#include <map>

#include "backplane/pci/pci_device.h"

namespace backplane::pc {

namespace {

constexpr std::string_view kBootIndex = "bootindex";
constexpr u32 kClassShift = 16, kNetwork = 0x02;

// [bootorder]
std::string path_of(const PciDevice& device) {
  const bool is_network = device.pci_class().identity.class_code >> kClassShift == kNetwork;
  std::string unit = fmt::format("{:x}", device.slot());
  if (device.function() != 0) unit += fmt::format(",{:x}", device.function());
  return is_network ? fmt::format("/pci@i0cf8/ethernet@{}/ethernet-phy@0", unit)
                    : fmt::format("/pci@i0cf8/scsi@{}/disk@0,0", unit);
}

}  // namespace

std::string boot_order(const PciBus& bus) {
  constexpr unsigned kFunctions = 256;
  std::multimap<i64, std::string> places;
  for (unsigned devfn = 0; devfn < kFunctions; ++devfn) {
    const PciDevice* const device = bus.device_at(static_cast<u8>(devfn));
    if (device == nullptr || device->object_class().find_property(kBootIndex) == nullptr) continue;
    const i64 place = device->get_value(kBootIndex).as_signed();
    if (place >= 0) places.emplace(place, path_of(*device));
  }
  if (places.empty()) return {};
  std::string order;
  for (const auto& [place, path] : places) order += path + "\n";
  return order + "HALT\n";
}

}  // namespace backplane::pc
