// SPDX-License-Identifier: MIT
// What the operating system is told: a device object for each slot that can be empty, and the
// event's method, which passes on what the registers say.
#include "acpi/aml.h"
#include "backplane/pci/pci_device.h"
#include "pci_hotplug/pci_hotplug.h"

namespace backplane::pc {

using namespace aml;

namespace {

// Notifications. [ACPI 6.4 table 5.187 "Device Object Notification Values"]
constexpr u64 kDeviceCheck = 1, kEjectRequest = 3;

std::string name_of_slot(unsigned slot) { return fmt::format("S{:02X}_", slot); }

Bytes bit_of(unsigned slot) { return integer(u64{1} << slot); }

}  // namespace

Bytes PciHotplugController::acpi_terms() const {
  std::vector<Bytes> slots, notifications;
  for (unsigned slot = 0; slot < PciBus::kSlots; ++slot) {
    const bool is_board =
        bus_->device_at(static_cast<u8>(slot << 3)) != nullptr && !is_removable(slot);
    if (is_board) continue;
    const std::string name_of_it = name_of_slot(slot);
    slots.push_back(device(
        name_of_it, join({name("_ADR", integer(u64{slot} << 16)), name("_SUN", integer(slot)),
                          method("_EJ0", 1, store(bit_of(slot), aml::path("PEJT")))})));
    notifications.push_back(if_(and_(arg(0), bit_of(slot)), notify(aml::path(name_of_it), arg(1))));
  }
  const auto pass_on = [](std::string_view slots_told, u64 notification) {
    return call("\\_SB.PCI0.PNOT", {aml::path(slots_told), integer(notification)});
  };
  return join({
      scope("\\_SB.PCI0",
            join({
                operation_region("PHPR", Space::SystemIo, kBase, kSize),
                field("PHPR", Access::DWord, {{"PUP_", 32}, {"PDWN", 32}, {"PEJT", 32}}),
                join(slots),
                method("PNOT", 2, join(notifications)),
            })),
      method("\\_GPE._E01", 0,
             join({pass_on("\\_SB.PCI0.PUP_", kDeviceCheck),
                   pass_on("\\_SB.PCI0.PDWN", kEjectRequest)})),
  });
}

}  // namespace backplane::pc
