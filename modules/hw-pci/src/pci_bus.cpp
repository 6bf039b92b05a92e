// SPDX-License-Identifier: MIT
#include "backplane/pci/pci_bus.h"

#include "backplane/error.h"
#include "backplane/log.h"

namespace backplane {

BACKPLANE_REGISTER(PciBus, .description = "A PCI bus")

// What is asserted follows from the devices, which drive it anew.
void PciBus::class_init(ObjectClass& k) { k.stateless(); }

PciBus::~PciBus() = default;

void PciBus::connect(MemoryRegion& memory, MemoryRegion& io) {
  memory_ = &memory;
  io_ = &io;
}

void PciBus::set_irq_router(PciIrqRouter& router) {
  router_ = &router;
  pirq_count_ = {};
  for (unsigned slot = 0; slot < kSlots; ++slot)
    for (unsigned pin = 0; pin < 4; ++pin)
      if (asserted_[slot][pin] != 0) ++pirq_count_[router.route(slot, pin) % PciIrqRouter::kPirqs];
  for (unsigned pirq = 0; pirq < PciIrqRouter::kPirqs; ++pirq)
    if (pirq_count_[pirq] != 0) router.set_pirq(pirq, true);
}

u32 PciBus::config_read(u8 devfn, unsigned offset, unsigned size) const {
  const u32 ones = size >= 4 ? ~u32{0} : (u32{1} << (8 * size)) - 1;
  PciDevice* device = functions_[devfn];
  const u32 value = device != nullptr ? device->config_read(offset, size) & ones : ones;
  if (device != nullptr)
    log::print(LogCategory::Pci, "pci {:02x}.{} {}: config read {:#04x}.{} = {:#x}", devfn >> 3,
               devfn & 7, device->type_name(), offset, size, value);
  return value;
}

void PciBus::config_write(u8 devfn, unsigned offset, u32 value, unsigned size) {
  PciDevice* device = functions_[devfn];
  if (device == nullptr) return;
  log::print(LogCategory::Pci, "pci {:02x}.{} {}: config write {:#04x}.{} = {:#x}", devfn >> 3,
             devfn & 7, device->type_name(), offset, size, value);
  device->config_write(offset, value, size);
}

bool PciBus::has_room() const {
  for (unsigned slot = 0; slot < kSlots; ++slot)
    if (functions_[slot * 8] == nullptr) return true;
  return false;
}

// Function 0 tells software whether to look for the others.
// [PCI §6.2.1 "Device Identification", Header Type]
void PciBus::claim(PciDevice& device) {
  if (device.address().devfn == PciAddress::kAuto) {
    for (unsigned slot = 0; slot < kSlots && device.address().devfn < 0; ++slot) {
      bool free = true;
      for (unsigned f = 0; f < 8; ++f) free = free && functions_[slot * 8 + f] == nullptr;
      if (free) device.set_address(PciAddress::of(slot));
    }
    if (device.address().devfn < 0)
      throw Error::of("bus {} is full: all {} slots are in use", child_name(), kSlots);
  }
  const std::string where = PropertyTraits<PciAddress>::print(device.address());
  const unsigned first = device.slot() * 8;
  if (const PciDevice* other = functions_[device.devfn()]; other != nullptr)
    throw Error::of("addr={}: slot in use on bus {} by {}{}", where, child_name(),
                    other->type_name(),
                    other->id().empty() ? std::string() : fmt::format(" \"{}\"", other->id()));
  if (device.function() == 0) {
    for (unsigned f = 1; f < 8; ++f)
      if (functions_[first + f] != nullptr && !device.multifunction())
        throw Error::of("addr={}: function {} of the slot is there already; set multifunction=on",
                        where, f);
  } else if (functions_[first] != nullptr && !functions_[first]->multifunction()) {
    throw Error::of("addr={}: function 0 of the slot is {}, which does not have multifunction=on",
                    where, functions_[first]->type_name());
  }
  functions_[device.devfn()] = &device;
}

void PciBus::plug(Device& device) {
  auto* pci = dynamic_cast<PciDevice*>(&device);
  if (pci == nullptr) throw Error::of("{} is not a PCI device", device.type_name());
  claim(*pci);
  Bus::plug(device);
}

void PciBus::unplug(Device& device) {
  for (PciDevice*& function : functions_)
    if (function == &device) function = nullptr;
  Bus::unplug(device);
}

void PciBus::hot_plugged(Device& device) {
  const auto& pci = dynamic_cast<const PciDevice&>(device);
  if (hotplug_ != nullptr && pci.function() == 0) hotplug_->plugged(pci.slot());
}

void PciBus::request_unplug(Device& device) {
  if (hotplug_ == nullptr) return Bus::request_unplug(device);
  hotplug_->request_unplug(dynamic_cast<const PciDevice&>(device).slot());
}

void PciBus::set_intx(const PciDevice& device, unsigned pin, bool level) {
  u8& asserted = asserted_[device.slot()][pin];
  const u8 bit = static_cast<u8>(1U << device.function());
  const u8 before = asserted;
  asserted = static_cast<u8>(level ? asserted | bit : asserted & ~bit);
  if (router_ == nullptr || (before != 0) == (asserted != 0)) return;
  const unsigned pirq = router_->route(device.slot(), pin) % PciIrqRouter::kPirqs;
  unsigned& count = pirq_count_[pirq];
  if (asserted != 0) {
    if (count++ == 0) router_->set_pirq(pirq, true);
  } else if (count != 0 && --count == 0) {
    router_->set_pirq(pirq, false);
  }
}

}  // namespace backplane
