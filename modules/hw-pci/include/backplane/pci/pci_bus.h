// SPDX-License-Identifier: MIT
// A PCI bus: devices by slot and function, the address spaces their BARs decode in, and the
// board's wiring of INTx#. All under the machine lock.
#pragma once

#include <array>

#include "backplane/device.h"
#include "backplane/memory.h"
#include "backplane/pci/pci_device.h"
#include "backplane/pci/version.h"
#include "backplane/room.h"

namespace backplane {

// The board's interrupt wiring: which PIRQ input each slot's INTx# pins reach, and what is behind
// it (the PIIX3's routing registers).
class PciIrqRouter {
 public:
  static constexpr unsigned kPirqs = 4;

  // The PIRQ input (0 to 3: A to D) that a slot's pin (0: INTA#) is wired to. The default is the
  // usual swizzle: the pins of neighbouring slots are rotated.
  virtual unsigned route(unsigned slot, unsigned pin) const { return (slot + pin) % kPirqs; }
  // The wired-OR level of a PIRQ input changed.
  virtual void set_pirq(unsigned pirq, bool level) = 0;

 protected:
  ~PciIrqRouter() = default;
};

// Tells the guest of devices that come and are to go while it runs: a slot at a time. Machine lock.
class PciHotplug {
 public:
  virtual ~PciHotplug() = default;
  virtual void plugged(unsigned slot) = 0;
  // Throws Error.
  virtual void request_unplug(unsigned slot) = 0;
};

class PciBus : public Bus {
  BACKPLANE_OBJECT(PciBus, Bus, "PCI")
 public:
  static constexpr unsigned kSlots = 32;
  static constexpr unsigned kFunctions = kSlots * 8;

  static void class_init(ObjectClass& k);
  ~PciBus() override;

  // Where memory and I/O BARs decode; before the first device. Both outlive the bus.
  void connect(MemoryRegion& memory, MemoryRegion& io);
  MemoryRegion& memory_space() const { return *memory_; }
  MemoryRegion& io_space() const { return *io_; }
  // Until a router is given, interrupts go nowhere. Current levels are passed on at once.
  void set_irq_router(PciIrqRouter& router);

  PciDevice* device_at(u8 devfn) const { return functions_[devfn]; }
  // A guest's access to configuration space; where no function answers, reads give ones.
  // [PCI §6.1: a master abort]
  u32 config_read(u8 devfn, unsigned offset, unsigned size) const;
  void config_write(u8 devfn, unsigned offset, u32 value, unsigned size);

  // Gives the device its place: the one it asks for, or the first free slot. Throws Error if it
  // is taken, or if the slot's functions do not go together.
  void plug(Device& device) override;
  void unplug(Device& device) override;
  bool has_room() const override;

  // Until there is one, the guest has to look for new devices by itself, and none can go. It must
  // outlive the bus's devices, or be taken back with null.
  void set_hotplug(PciHotplug* hotplug) { hotplug_ = hotplug; }
  // A slot's functions come and go together, with function 0.
  void hot_plugged(Device& device) override;
  void request_unplug(Device& device) override;

  // A device's pin changed (called by PciDevice).
  void set_intx(const PciDevice& device, unsigned pin, bool level);

 private:
  void claim(PciDevice& device);

  MemoryRegion* memory_ = nullptr;
  MemoryRegion* io_ = nullptr;
  PciIrqRouter* router_ = nullptr;
  PciHotplug* hotplug_ = nullptr;
  std::array<PciDevice*, kFunctions> functions_{};
  // Who asserts each slot's pin: a bit per function.
  std::array<std::array<u8, 4>, kSlots> asserted_{};
  std::array<unsigned, PciIrqRouter::kPirqs> pirq_count_{};
  [[maybe_unused]] Room<4> room_;
};

}  // namespace backplane
