// SPDX-License-Identifier: MIT
#include "interrupts/gsi_routing.h"

#include <algorithm>

#include "kernel/list.h"

namespace backplane::kvm {

GsiRouting::GsiRouting(const Descriptor& vm, u32 first_free, u32 limit)
    : vm_(vm), first_free_(first_free), limit_(limit), next_(first_free) {}

void GsiRouting::add_chip_input(u32 gsi, u32 chip, u32 input) {
  kvm_irq_routing_entry entry{};
  entry.gsi = gsi;
  entry.type = KVM_IRQ_ROUTING_IRQCHIP;
  entry.u.irqchip.irqchip = chip;
  entry.u.irqchip.pin = input;
  entries_.emplace(gsi, entry);
}

void GsiRouting::set_message(u32 gsi, const x86::MsiWrite& message) {
  kvm_irq_routing_entry entry{};
  entry.gsi = gsi;
  entry.type = KVM_IRQ_ROUTING_MSI;
  entry.u.msi.address_lo = static_cast<u32>(message.address);
  entry.u.msi.address_hi = static_cast<u32>(message.address >> 32);
  entry.u.msi.data = message.data;
  entries_.erase(gsi);
  entries_.emplace(gsi, entry);
}

void GsiRouting::clear(u32 gsi) { entries_.erase(gsi); }

std::vector<kvm_irq_routing_entry> GsiRouting::table() const {
  std::vector<kvm_irq_routing_entry> table;
  table.reserve(entries_.size());
  for (auto at = entries_.rbegin(); at != entries_.rend(); ++at) table.push_back(at->second);
  return table;
}

void GsiRouting::commit() {
  List<kvm_irq_routing_entry> list(table());
  vm_.call("cannot route the kernel's interrupts", kSetGsiRouting, list.get());
}

u32 GsiRouting::allocate() {
  if (!released_.empty()) {
    const u32 gsi = released_.back();
    released_.pop_back();
    return gsi;
  }
  if (next_ >= limit_)
    throw Error::of("the machine has more than {} interrupt messages, which is all that KVM takes",
                    limit_ - std::min(limit_, first_free_));
  return next_++;
}

void GsiRouting::release(u32 gsi) {
  clear(gsi);
  released_.push_back(gsi);
}

}  // namespace backplane::kvm
