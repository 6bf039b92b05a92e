// SPDX-License-Identifier: MIT
// The i440FX: the host side of the PCI bus ("i440FX-pcihost": configuration mechanism #1 and the
// memory and I/O windows) and its function 00.0 ("i440FX", 8086:1237).
// [PCI §3.2.2.3.2 "Software Generation of Configuration Transactions"]
// [440FX "PCI Bus Configuration Registers"]
#pragma once

#include <functional>
#include <memory>

#include "backplane/device.h"
#include "backplane/memory.h"
#include "backplane/pci/pci_bus.h"

namespace backplane {

// Owns the bus "pci.0". BARs decode below RAM and the board's own devices, so that nothing a guest
// writes into a BAR hides them.
class PciHostBridge : public Device {
  BACKPLANE_OBJECT(PciHostBridge, Device, "i440FX-pcihost")
 public:
  static constexpr u64 kConfigAddress = 0xcf8;
  static constexpr u64 kConfigData = 0xcfc;

  static void class_init(DeviceClass& k);
  PciHostBridge();
  ~PciHostBridge() override;

  // From realize() on.
  PciBus& pci_bus() const { return *bus_; }
  // Byte accesses to port CF9h, where chipsets have their reset control register inside the
  // address register's four ports, go to this handler at offset 0.
  void set_reset_control(const MmioHandler& handler) { reset_control_ = handler; }

  // How one of the legacy areas between C0000h and FFFFFh answers: from RAM, or not.
  // [440FX 3.2.19 "PAM[6:0]-Programmable Attribute Map Registers"]
  struct LegacyArea {
    u64 address = 0;
    u64 size = 0;
    bool reads_ram = false;
    bool writes_ram = false;
    bool operator==(const LegacyArea&) const = default;
  };
  // Called for each area when its attributes change, and for all of them at reset. Machine lock.
  void set_legacy_area_handler(std::function<void(const LegacyArea&)> handler) {
    legacy_area_handler_ = std::move(handler);
  }

  void realize() override;
  void unrealize() override;

 private:
  friend class I440fx;
  u64 read_address(u64 offset, unsigned size);
  void write_address(u64 offset, u64 value, unsigned size);
  u64 read_data(u64 offset, unsigned size);
  void write_data(u64 offset, u64 value, unsigned size);

  struct State {
    u32 config_address = 0;
  };
  State state_;
  MmioHandler reset_control_;
  std::function<void(const LegacyArea&)> legacy_area_handler_;
  PciBus* bus_ = nullptr;
  std::unique_ptr<MemoryRegion> memory_;  // all of PCI memory space
  std::unique_ptr<MemoryRegion> io_;      // all of PCI I/O space
  std::unique_ptr<MemoryRegion> address_port_;
  std::unique_ptr<MemoryRegion> data_port_;
};

}  // namespace backplane
