// SPDX-License-Identifier: MIT
// "PIIX4_PM": power management, function 3 of slot 1 (8086:7113).
// [Intel 82371AB datasheet "PCI Configuration Registers (Function 3)", "Advanced Power Management
// Registers"]
#pragma once

#include <memory>

#include "backplane/memory.h"
#include "backplane/pci/pci_device.h"
#include "backplane/subscription.h"
#include "piix4_pm/acpi_pm.h"

namespace backplane::pc {

class Piix4Pm final : public PciDevice {
  BACKPLANE_OBJECT(Piix4Pm, PciDevice, "PIIX4_PM")
 public:
  static constexpr unsigned kSciIrq = 9;
  // PMBA, the base of the power management ports, and the register that enables them.
  static constexpr unsigned kPmBase = 0x40, kDeviceActivityB = 0x58, kPmMisc = 0x80;
  static constexpr u32 kApmcEnable = 1u << 25;
  static constexpr u8 kPmEnable = 1;
  // APMC: a write asks firmware for something. What this one understands.
  static constexpr u16 kSmiCommandPort = 0xb2;
  static constexpr u8 kAcpiEnable = 0xf1, kAcpiDisable = 0xf0;

  static void class_init(PciDeviceClass& k);

  AcpiPm& pm() { return *pm_; }
  // Where the power management ports are, as far as they have been placed; 0 if not.
  u16 ports() const { return static_cast<u16>(config().get32(kPmBase) & 0xffc0); }

  void realize();
  void unrealize();
  void reset() override;
  void loaded() override;
  void config_write(unsigned offset, u32 value, unsigned size) override;

 private:
  void update_mapping();
  u64 read_apm(u64 offset, unsigned size);
  void write_apm(u64 offset, u64 value, unsigned size);

  u8 no_s3_ = 1, no_s4_ = 1;
  std::unique_ptr<AcpiPm> pm_;
  Subscription power_button_;
  std::unique_ptr<MemoryRegion> pm_ports_;
  std::unique_ptr<MemoryRegion> apm_ports_;
  struct State {
    u8 apm[2] = {};  // control and status
  };
  State state_;
};

}  // namespace backplane::pc
