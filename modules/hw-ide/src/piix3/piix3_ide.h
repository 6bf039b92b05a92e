// SPDX-License-Identifier: MIT
// "piix3-ide": the PIIX3's IDE function (8086:7010): two channels, ide.0 and ide.1, at the ports
// and interrupts of a PC. [Intel 82371SB datasheet "PCI IDE Configuration Registers"]
#pragma once

#include <array>
#include <memory>

#include "backplane/irq.h"
#include "backplane/pci/pci_device.h"
#include "bus/ide_bus.h"
#include "piix3/bus_master.h"

namespace backplane::ide {

class Piix3Ide final : public PciDevice, public IdeAdapter {
  BACKPLANE_OBJECT(Piix3Ide, PciDevice, "piix3-ide")
 public:
  static void class_init(PciDeviceClass& k);

  void realize();
  void unrealize();
  void reset() override;
  void loaded() override;
  void config_write(unsigned offset, u32 value, unsigned size) override;

  void set_intrq(unsigned channel, bool level) override;
  std::size_t transfer(unsigned channel, std::span<u8> data, bool to_memory) override;

 protected:
  void command_changed() override { update_ports(); }

 private:
  static constexpr unsigned kChannels = 2;

  // One channel's registers, as regions of port space.
  struct Channel {
    u64 read(u64 offset, unsigned size);
    void write(u64 offset, u64 value, unsigned size);
    u64 read_control(u64 offset, unsigned size);
    void write_control(u64 offset, u64 value, unsigned size);

    IdeBus* bus = nullptr;
    std::unique_ptr<MemoryRegion> command_block, control_block;
    IrqLine irq;
  };

  u64 read_bus_master(u64 offset, unsigned size);
  void write_bus_master(u64 offset, u64 value, unsigned size);
  void update_ports();
  BusMaster& master(u64 channel) { return channel == 0 ? primary_ : secondary_; }

  std::array<Channel, kChannels> channels_;
  BusMaster primary_, secondary_;
};

}  // namespace backplane::ide
