// SPDX-License-Identifier: MIT
#include "piix4_pm/piix4_pm.h"

#include "backplane/machine.h"
#include "interrupts/interrupt_controllers.h"

namespace backplane::pc {

void Piix4Pm::class_init(PciDeviceClass& k) {
  k.identity = {.vendor = 0x8086, .device = 0x7113, .revision = 3, .class_code = 0x06'80'00};
  k.property<&Piix4Pm::no_s3_>("disable_s3", "1: the guest cannot suspend to RAM, which is so");
  k.property<&Piix4Pm::no_s4_>("disable_s4", "1: nor to disk");
  k.state<&Piix4Pm::pm_>(1, "acpi");
  k.state<&Piix4Pm::state_>(1, {member<&State::apm>("apm")});
}

void Piix4Pm::realize() {
  if (no_s3_ == 0 || no_s4_ == 0)
    throw Error("the guest cannot suspend the machine: disable_s3 and disable_s4 are 1");
  auto& irqs = *machine().service<InterruptControllers>();
  pm_ = std::make_unique<AcpiPm>(machine().virtual_clock(), irqs.isa_irq(kSciIrq), [this] {
    machine().run_control().request_shutdown(ShutdownCause::Guest);
  });
  config().set32(kPmBase, 1);
  config().set_writable32(kPmBase, 0xffc0);
  config().set_writable8(kPmMisc, kPmEnable);
  // There is no SMM: firmware that finds the event on leaves it alone.
  config().set32(kDeviceActivityB, kApmcEnable);

  pm_ports_ = MemoryRegion::mmio("acpi-pm", AcpiPm::kBlockSize,
                                 MmioHandler::of<&AcpiPm::read, &AcpiPm::write>(*pm_).sizes(1, 4));
  pm_ports_->set_enabled(false);
  // Below the board's own ports, which a guest cannot hide.
  machine().io_root().add_subregion(0, *pm_ports_, -1);
  apm_ports_ = MemoryRegion::mmio(
      "apm", sizeof state_.apm,
      MmioHandler::of<&Piix4Pm::read_apm, &Piix4Pm::write_apm>(*this).sizes(1, 1));
  machine().io_root().add_subregion(kSmiCommandPort, *apm_ports_);
  power_button_ = machine().run_control().on_powerdown([this] { pm_->press_power_button(); });
}

void Piix4Pm::unrealize() {
  power_button_.end();
  apm_ports_.reset();
  pm_ports_.reset();
  pm_.reset();
}

void Piix4Pm::reset() {
  PciDevice::reset();
  update_mapping();
}

void Piix4Pm::loaded() {
  PciDevice::loaded();
  update_mapping();
}

void Piix4Pm::config_write(unsigned offset, u32 value, unsigned size) {
  PciDevice::config_write(offset, value, size);
  update_mapping();
}

void Piix4Pm::update_mapping() {
  const u64 base = ports();
  const bool enabled = (config().get8(kPmMisc) & kPmEnable) != 0;
  if (pm_ports_->address() == base && pm_ports_->enabled() == enabled) return;
  const MemoryRegion::Batch batch;
  pm_ports_->set_address(base);
  pm_ports_->set_enabled(enabled);
}

u64 Piix4Pm::read_apm(u64 offset, unsigned /*size*/) { return state_.apm[offset & 1]; }

void Piix4Pm::write_apm(u64 offset, u64 value, unsigned /*size*/) {
  state_.apm[offset & 1] = static_cast<u8>(value);
  if (offset != 0) return;
  if (value == kAcpiEnable || value == kAcpiDisable)
    pm_->enable_acpi(value == kAcpiEnable);
  else
    unimplemented("SMI command {:#04x}: there is no system management mode", value);
}

BACKPLANE_REGISTER(Piix4Pm, .category = "Bridge", .board_only = true,
                   .description = "PIIX4 power management")

}  // namespace backplane::pc
