// SPDX-License-Identifier: MIT
// The host side of a PCI bus: configuration mechanism #1, and the memory and I/O windows. A
// chipset's bridge derives from it, and adds the function that it shows of itself. [PCI §3.2.2.3.2
// "Software Generation of Configuration Transactions"]
#pragma once

#include <memory>

#include "backplane/command.h"
#include "backplane/device.h"
#include "backplane/memory.h"
#include "backplane/pci/pci_bus.h"
#include "backplane/pci/version.h"
#include "backplane/room.h"

namespace backplane {

// Owns the bus "pci.0". BARs decode below RAM and the board's own devices, so that nothing a guest
// writes into a BAR hides them.
class PciHostBridge : public Device, public CommandProvider {
  BACKPLANE_OBJECT(PciHostBridge, Device, "pci-host-bridge")
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

  void realize();
  void unrealize();

  std::span<const Command> commands() const override;

 private:
  u64 read_address(u64 offset, unsigned size);
  void write_address(u64 offset, u64 value, unsigned size);
  // Where an access to the data port goes to in a function's configuration space.
  unsigned config_offset(u64 port, unsigned size) const;
  u64 read_data(u64 offset, unsigned size);
  void write_data(u64 offset, u64 value, unsigned size);

  struct State {
    u32 config_address = 0;
  };
  State state_;
  MmioHandler reset_control_;
  PciBus* bus_ = nullptr;
  std::unique_ptr<MemoryRegion> memory_;  // all of PCI memory space
  std::unique_ptr<MemoryRegion> io_;      // all of PCI I/O space
  std::unique_ptr<MemoryRegion> address_port_;
  std::unique_ptr<MemoryRegion> data_port_;
  [[maybe_unused]] Room<4> room_;
};

}  // namespace backplane
