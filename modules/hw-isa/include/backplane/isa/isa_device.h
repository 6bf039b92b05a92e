// SPDX-License-Identifier: MIT
// The ISA bus of a PC and what its devices derive from: fixed ports, fixed interrupt lines.
//
//   class Latch final : public IsaDevice {
//    public:
//     void realize() {
//       add_ports("latch", 0x300, 1, MmioHandler::of<&Latch::read, &Latch::write>(*this));
//     }
//     ...
//   };
//   BACKPLANE_TYPE(Latch, "latch", .category = "Misc", .description = "Remembers a byte")
//
// Everything is called under the machine lock.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backplane/device.h"
#include "backplane/irq.h"
#include "backplane/isa/version.h"
#include "backplane/memory.h"
#include "backplane/room.h"

namespace backplane {

class IsaDevice;

// The board's interrupt wiring.
class IsaIrqs {
 public:
  static constexpr unsigned kCount = 16;

  // A new line driving IRQ `number`; lines of one number are wired together (any of them high
  // asserts it).
  virtual IrqLine isa_irq(unsigned number) = 0;
  // Whether the guest has yet to take the last rising edge of IRQ `number`, as far as the board
  // can tell.
  virtual bool isa_edge_pending(unsigned /*number*/) const { return false; }

 protected:
  ~IsaIrqs() = default;
};

class IsaBus : public Bus {
  BACKPLANE_OBJECT(IsaBus, Bus, "ISA")
 public:
  static void class_init(ObjectClass& k);

  // The port space and the interrupt lines; before the first device. Both outlive the bus.
  void connect(MemoryRegion& io, IsaIrqs& irqs);

  // Throws Error if there is no such line.
  IrqLine irq(unsigned number) const;
  bool edge_pending(unsigned number) const { return irqs_->isa_edge_pending(number); }

  // Puts a region into port space for a device. Throws Error, naming the other device, if one of
  // its ports is in use, or if it does not fit.
  void map(IsaDevice& device, u32 base, MemoryRegion& region);
  void unmap(MemoryRegion& region);

 private:
  struct Claim {
    IsaDevice* device;
    MemoryRegion* region;
  };

  MemoryRegion* io_ = nullptr;
  IsaIrqs* irqs_ = nullptr;
  std::vector<Claim> claims_;
  [[maybe_unused]] Room<4> room_;
};

class IsaDevice : public Device {
  BACKPLANE_OBJECT(IsaDevice, Device, "isa-device")
 public:
  static void class_init(DeviceClass& k);
  ~IsaDevice() override;

  void unrealize();
  // "ports 0x3f8-0x3ff".
  std::string describe() const override;

 protected:
  IsaBus& isa_bus() const;
  // From realize() on: answers `size` ports from `base`. Throws Error if they are taken.
  MemoryRegion& add_ports(const std::string& name, u32 base, u32 size, const MmioHandler& handler);

 private:
  std::vector<std::unique_ptr<MemoryRegion>> regions_;
  [[maybe_unused]] Room<4> room_;
};

}  // namespace backplane
