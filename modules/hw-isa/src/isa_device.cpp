// SPDX-License-Identifier: MIT
#include "backplane/isa/isa_device.h"

#include "backplane/error.h"

namespace backplane {

void IsaBus::connect(MemoryRegion& io, IsaIrqs& irqs) {
  io_ = &io;
  irqs_ = &irqs;
}

IrqLine IsaBus::irq(unsigned number) const {
  if (number >= IsaIrqs::kCount)
    throw Error::of("irq {}: the ISA bus has IRQs 0 to {}", number, IsaIrqs::kCount - 1);
  return irqs_->isa_irq(number);
}

void IsaBus::map(IsaDevice& device, u32 base, MemoryRegion& region) {
  const u64 size = region.size();
  if (size == 0 || base + size > 0x10000)
    throw Error::of("{} ports from {:#x}: port space ends at 0xffff", size, base);
  for (const Claim& other : claims_)
    if (base < other.region->address() + other.region->size() &&
        other.region->address() < base + size)
      throw Error::of("ports {:#x} to {:#x} are in use by {}", base, base + size - 1,
                      other.device->type_name());
  io_->add_subregion(base, region);
  claims_.push_back({&device, &region});
}

void IsaBus::unmap(MemoryRegion& region) {
  std::erase_if(claims_, [&](const Claim& c) { return c.region == &region; });
  if (region.parent() != nullptr) region.parent()->remove_subregion(region);
}

void IsaBus::class_init(ObjectClass& k) { k.stateless(); }

void IsaDevice::class_init(DeviceClass& k) { k.hotpluggable = false; }

IsaDevice::~IsaDevice() = default;

void IsaDevice::unrealize() {
  for (const auto& region : regions_) isa_bus().unmap(*region);
  regions_.clear();
}

std::string IsaDevice::describe() const {
  std::string text;
  for (const auto& region : regions_)
    text += fmt::format("{} {:#x}-{:#x}", text.empty() ? "ports" : ",", region->address(),
                        region->address() + region->size() - 1);
  return text;
}

IsaBus& IsaDevice::isa_bus() const { return static_cast<IsaBus&>(*bus()); }

MemoryRegion& IsaDevice::add_ports(const std::string& name, u32 base, u32 size,
                                   const MmioHandler& handler) {
  auto region = MemoryRegion::mmio(name, size, handler);
  isa_bus().map(*this, base, *region);
  regions_.push_back(std::move(region));
  return *regions_.back();
}

BACKPLANE_REGISTER(IsaBus, .description = "The ISA bus")
BACKPLANE_REGISTER_ABSTRACT(IsaDevice, .bus = IsaBus::kTypeName, .category = "Misc",
                            .description = "An ISA device")

}  // namespace backplane
