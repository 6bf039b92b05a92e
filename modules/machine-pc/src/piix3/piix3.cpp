// SPDX-License-Identifier: MIT
#include "piix3/piix3.h"

#include "backplane/machine.h"
#include "backplane/pci/host_bridge.h"
#include "interrupts/interrupt_controllers.h"

namespace backplane::pc {

namespace {

// Reset control register.
constexpr u8 kResetKind = 0x02, kResetCpu = 0x04;

// 8259 inputs that a PIRQ may be routed to.
constexpr u16 kRoutable = 0xdef8;

}  // namespace

void Piix3::class_init(PciDeviceClass& k) {
  k.identity = {.vendor = 0x8086, .device = 0x7000, .class_code = 0x06'01'00};
  k.state<&Piix3::state_>(
      1, {member<&State::level>("level"), member<&State::reset_control>("reset_control")});
}

void Piix3::realize() {
  auto& irqs = *machine().service<InterruptControllers>();
  for (unsigned irq = 0; irq < IsaIrqs::kCount; ++irq) pic_[irq] = irqs.pic_line(irq);
  for (unsigned pirq = 0; pirq < kPirqs; ++pirq) {
    ioapic_[pirq] = irqs.ioapic_line(InterruptControllers::kFirstPirqPin + pirq);
    config().set8(kRouteControl + pirq, kRouteDisabled);
    config().set_writable8(kRouteControl + pirq, 0x8f);
  }

  isa_ = &add_child("isa.0", create_object<IsaBus>(IsaBus::kTypeName));
  isa_->connect(machine().io_root(), irqs);
  isa_->attach_to(*this);

  if (auto* bridge = dynamic_cast<PciHostBridge*>(pci_bus().owner()))
    bridge->set_reset_control(
        MmioHandler::of<&Piix3::read_reset_control, &Piix3::write_reset_control>(*this));
  pci_bus().set_irq_router(*this);
}

void Piix3::unrealize() {
  if (isa_ != nullptr) remove_child(*isa_);
  isa_ = nullptr;
}

void Piix3::reset() {
  // Who drives a PIRQ goes on driving it.
  const auto level = state_.level;
  PciDevice::reset();
  state_.level = level;
  reroute();
}

void Piix3::loaded() {
  PciDevice::loaded();
  for (unsigned pirq = 0; pirq < kPirqs; ++pirq) ioapic_[pirq].set(state_.level[pirq]);
  reroute();
}

void Piix3::config_write(unsigned offset, u32 value, unsigned size) {
  PciDevice::config_write(offset, value, size);
  if (offset + size > kRouteControl && offset < kRouteControl + kPirqs) reroute();
}

void Piix3::set_pirq(unsigned pirq, bool level) {
  state_.level[pirq] = level;
  ioapic_[pirq].set(level);
  reroute();
}

// Drives each 8259 input with the PIRQs that are routed to it now.
void Piix3::reroute() {
  u16 asserted = 0;
  for (unsigned pirq = 0; pirq < kPirqs; ++pirq) {
    const u8 route = config().get8(kRouteControl + pirq);
    if (state_.level[pirq] && (route & kRouteDisabled) == 0)
      asserted |= static_cast<u16>(1u << (route & 15));
  }
  asserted &= kRoutable;
  for (unsigned irq = 0; irq < IsaIrqs::kCount; ++irq) pic_[irq].set((asserted >> irq & 1) != 0);
}

u64 Piix3::read_reset_control(u64 /*offset*/, unsigned /*size*/) { return state_.reset_control; }

// Setting bit 2 resets the machine.
void Piix3::write_reset_control(u64 /*offset*/, u64 value, unsigned /*size*/) {
  const bool pulse = (value & kResetCpu) != 0 && (state_.reset_control & kResetCpu) == 0;
  state_.reset_control = static_cast<u8>(value & (kResetKind | kResetCpu));
  if (pulse) machine().run_control().request_reset();
}

BACKPLANE_REGISTER(Piix3, .category = "Bridge", .board_only = true,
                   .description = "PIIX3 PCI-to-ISA bridge: bus isa.0, interrupt routing")

}  // namespace backplane::pc
