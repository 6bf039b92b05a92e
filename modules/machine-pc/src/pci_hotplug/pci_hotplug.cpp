// SPDX-License-Identifier: MIT
#include "pci_hotplug/pci_hotplug.h"

#include <bit>
#include <utility>

#include "backplane/machine.h"
#include "backplane/pci/pci_device.h"

namespace backplane::pc {

namespace {

constexpr unsigned kFunctions = 8;

u32 bit_of(unsigned slot) { return u32{1} << slot; }

}  // namespace

void PciHotplugController::class_init(DeviceClass& k) {
  k.state<&PciHotplugController::state_>(1,
                                         {member<&State::up>("up"), member<&State::down>("down")});
}

void PciHotplugController::connect(PciBus& bus, std::function<void()> raise_event) {
  bus_ = &bus;
  raise_event_ = std::move(raise_event);
  bus.set_hotplug(this);
}

void PciHotplugController::realize() {
  using Self = PciHotplugController;
  ports_ = MemoryRegion::mmio("pci hot-plug", kSize,
                              MmioHandler::of<&Self::read, &Self::write>(*this).sizes(4, 4));
  machine().io_root().add_subregion(kBase, *ports_);
}

void PciHotplugController::unrealize() {
  if (bus_ != nullptr) bus_->set_hotplug(nullptr);
  bus_ = nullptr;
  ports_.reset();
}

void PciHotplugController::reset() {
  const u32 waiting = state_.down;
  Device::reset();
  if (waiting != 0) eject(waiting);
}

void PciHotplugController::plugged(unsigned slot) {
  state_.up |= bit_of(slot);
  raise_event_();
}

void PciHotplugController::request_unplug(unsigned slot) {
  if (!is_removable(slot))
    throw Error::of("slot {:#x} of bus {} is the board's, and stays", slot, bus_->child_name());
  state_.down |= bit_of(slot);
  raise_event_();
}

bool PciHotplugController::is_removable(unsigned slot) const {
  bool found = false;
  for (unsigned function = 0; function < kFunctions; ++function) {
    const PciDevice* const device = bus_->device_at(static_cast<u8>(slot << 3 | function));
    if (device == nullptr) continue;
    if (!device->device_class().hotpluggable || device->parent() == machine().find("unattached"))
      return false;
    found = true;
  }
  return found;
}

u32 PciHotplugController::removable() const {
  u32 slots = 0;
  for (unsigned slot = 0; slot < PciBus::kSlots; ++slot)
    if (is_removable(slot)) slots |= bit_of(slot);
  return slots;
}

void PciHotplugController::eject(u32 slots) {
  machine().main_loop().post([self = std::weak_ptr(self_), slots] {
    const auto controller = self.lock();
    if (controller != nullptr) (*controller)->take_away(slots);
  });
}

void PciHotplugController::take_away(u32 slots) {
  if (bus_ == nullptr) return;
  for (; slots != 0; slots &= slots - 1) {
    const unsigned slot = static_cast<unsigned>(std::countr_zero(slots));
    if (!is_removable(slot)) continue;
    state_.up &= ~bit_of(slot);
    state_.down &= ~bit_of(slot);
    // Function 0 last: software looks at it to know of the others.
    for (unsigned function = kFunctions; function-- != 0;)
      if (PciDevice* const device = bus_->device_at(static_cast<u8>(slot << 3 | function)))
        machine().remove_device(*device);
  }
}

u64 PciHotplugController::read(u64 offset, unsigned) {
  switch (offset) {
    case kUp:
      return std::exchange(state_.up, 0);
    case kDown:
      return state_.down;
    case kRemovable:
      return removable();
    default:
      return 0;
  }
}

void PciHotplugController::write(u64 offset, u64 value, unsigned) {
  const u32 slots = static_cast<u32>(value);
  if (offset != kEject) {
    guest_error("{:#x} is written to register {:#x}, which is read-only", slots, offset);
    return;
  }
  if ((slots & ~removable()) != 0)
    guest_error("slots {:#x} are ejected, of which some cannot be", slots);
  eject(slots & removable());
}

BACKPLANE_REGISTER(PciHotplugController, .board_only = true,
                   .description = "Hot-plug of PCI devices by ACPI")

}  // namespace backplane::pc
