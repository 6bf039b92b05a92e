// SPDX-License-Identifier: MIT
// "hpet": the high precision event timer at FED00000h.
#include "backplane/device.h"

#include <array>
#include <memory>

#include "acpi/described.h"
#include "backplane/machine.h"
#include "hpet/hpet.h"
#include "interrupts/interrupt_controllers.h"

namespace backplane::pc {

namespace {

class HpetDevice final : public Device, public IrqSink, public AcpiDescribed {
 public:
  static void class_init(DeviceClass& k) { k.state<&HpetDevice::hpet_>(1); }

  void realize() {
    irqs_ = machine().service<InterruptControllers>();
    lines_[InterruptControllers::kTimerPin] = irqs_->legacy_timer_line(0);
    lines_[8] = irqs_->legacy_timer_line(8);
    for (unsigned pin = 20; pin < IoApic::kInputs; ++pin) lines_[pin] = irqs_->ioapic_line(pin);
    hpet_ = std::make_unique<Hpet>(machine().virtual_clock(), *this,
                                   [this](unsigned pin) { return irqs_->edge_pending(pin); });
    region_ = MemoryRegion::mmio(
        "hpet", Hpet::kWindowSize,
        MmioHandler::of<&HpetDevice::read, &HpetDevice::write>(*this).sizes(4, 8));
    machine().memory_root().add_subregion(Hpet::kDefaultAddress, *region_);
  }

  void unrealize() {
    region_.reset();
    hpet_.reset();
  }

  void reset() override {
    Device::reset();
    irqs_->set_legacy_replacement(false);
  }

  void loaded() override {
    Device::loaded();
    irqs_->set_legacy_replacement(hpet_->legacy_replacement());
  }

  void set_irq(unsigned input, bool level) override { lines_[input].set(level); }

  aml::Bytes acpi_terms() const override {
    using namespace aml;
    return device("HPET", join({
                              name("_HID", eisa_id("PNP0103")),
                              name("_UID", integer(0)),
                              name("_STA", integer(0x0f)),
                              name("_CRS", resource_template({fixed_memory(
                                               Hpet::kDefaultAddress, Hpet::kWindowSize, false)})),
                          }));
  }

 private:
  u64 read(u64 offset, unsigned size) { return hpet_->read(offset, size); }
  void write(u64 offset, u64 value, unsigned size) {
    const bool before = hpet_->legacy_replacement();
    hpet_->write(offset, value, size);
    if (hpet_->legacy_replacement() != before)
      irqs_->set_legacy_replacement(hpet_->legacy_replacement());
  }

  InterruptControllers* irqs_ = nullptr;
  std::array<IrqLine, IoApic::kInputs> lines_;
  std::unique_ptr<Hpet> hpet_;
  std::unique_ptr<MemoryRegion> region_;
};

BACKPLANE_TYPE(HpetDevice, "hpet", .board_only = true, .description = "High precision event timer")

}  // namespace

}  // namespace backplane::pc
