// SPDX-License-Identifier: MIT
// "pc-pci-hotplug": how the guest hears of PCI devices that come and are to go, and lets go of
// them: registers in port space, a general purpose event, and ACPI methods that use both.
// [QEMU docs/specs/acpi_pci_hotplug.rst; ACPI 6.4 6.3.3 "_EJx (Eject)", 5.6.4 "General-Purpose
// Event Handling"]
#pragma once

#include <functional>
#include <memory>

#include "acpi/described.h"
#include "backplane/memory.h"
#include "backplane/pci/pci_bus.h"

namespace backplane::pc {

// Of one bus, which the board gives it. Machine lock.
class PciHotplugController final : public Device, public PciHotplug, public AcpiDescribed {
  BACKPLANE_OBJECT(PciHotplugController, Device, "pc-pci-hotplug")
 public:
  // The registers, each of a bit for each slot. A read of Up clears it.
  static constexpr u16 kBase = 0xae00;
  enum Register : u16 { kUp = 0x0, kDown = 0x4, kEject = 0x8, kRemovable = 0xc, kSize = 0x10 };
  // The general purpose event.
  static constexpr unsigned kEvent = 1;

  static void class_init(DeviceClass& k);

  // Before the first device comes or goes. `raise_event` raises kEvent.
  void connect(PciBus& bus, std::function<void()> raise_event);

  void plugged(unsigned slot) override;
  void request_unplug(unsigned slot) override;

  void realize();
  void unrealize();
  // What the guest was asked for is done: the guest that was to do it is gone.
  void reset() override;
  aml::Bytes acpi_terms() const override;

 private:
  u64 read(u64 offset, unsigned size);
  void write(u64 offset, u64 value, unsigned size);
  // The devices of a slot can be taken away: a user has added them, and their types allow it.
  bool is_removable(unsigned slot) const;
  u32 removable() const;
  // Takes the devices of these slots away, soon: the guest is in the middle of an access.
  void eject(u32 slots);
  void take_away(u32 slots);

  PciBus* bus_ = nullptr;
  std::function<void()> raise_event_;
  std::unique_ptr<MemoryRegion> ports_;
  struct State {
    u32 up = 0;
    u32 down = 0;
  };
  State state_;
  // What this object is known by to work that waits for the main loop.
  std::shared_ptr<PciHotplugController*> self_ = std::make_shared<PciHotplugController*>(this);
};

}  // namespace backplane::pc
