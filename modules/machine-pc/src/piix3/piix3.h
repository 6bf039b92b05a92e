// SPDX-License-Identifier: MIT
// "PIIX3": the PCI-to-ISA bridge, function 0 of slot 1 (8086:7000): the ISA bus "isa.0", the
// routing of PCI interrupts, the reset control register at CF9h.
// [Intel 82371SB datasheet "PCI Configuration Registers", "Reset Control Register"]
#pragma once

#include <array>

#include "acpi/described.h"
#include "backplane/irq.h"
#include "backplane/isa/isa_device.h"
#include "backplane/pci/pci_bus.h"
#include "backplane/pci/pci_device.h"

namespace backplane::pc {

class Piix3 final : public PciDevice, public PciIrqRouter, public AcpiDescribed {
  BACKPLANE_OBJECT(Piix3, PciDevice, "PIIX3")
 public:
  // PIRQRC[A:D]: the 8259 input of each PIRQ; bit 7: none.
  static constexpr unsigned kRouteControl = 0x60;
  static constexpr u8 kRouteDisabled = 0x80;

  static void class_init(PciDeviceClass& k);

  IsaBus& isa_bus() const { return *isa_; }

  void realize();
  void unrealize();
  void reset() override;
  void loaded() override;
  void config_write(unsigned offset, u32 value, unsigned size) override;
  void set_pirq(unsigned pirq, bool level) override;
  aml::Bytes acpi_terms() const override;

 private:
  void reroute();
  u64 read_reset_control(u64 offset, unsigned size);
  void write_reset_control(u64 offset, u64 value, unsigned size);

  IsaBus* isa_ = nullptr;
  std::array<IrqLine, IsaIrqs::kCount> pic_;
  std::array<IrqLine, kPirqs> ioapic_;
  struct State {
    std::array<bool, kPirqs> level{};
    u8 reset_control = 0;
  };
  State state_;
};

}  // namespace backplane::pc
