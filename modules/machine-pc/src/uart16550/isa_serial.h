// SPDX-License-Identifier: MIT
// "isa-serial": a 16550A at the place of COM1 to COM4.
#pragma once

#include <memory>
#include <vector>

#include "acpi/described.h"
#include "backplane/chardev.h"
#include "backplane/isa/isa_device.h"
#include "uart16550/uart16550.h"

namespace backplane::pc {

class IsaSerial final : public IsaDevice, public AcpiDescribed {
  BACKPLANE_OBJECT(IsaSerial, IsaDevice, "isa-serial")
 public:
  static constexpr unsigned kMaximum = 4;
  struct Location {
    u16 base;
    u8 irq;
  };
  static Location location(unsigned index);
  // Of the ports that there are, in their order.
  static std::vector<unsigned> indices_on(const IsaBus& bus);

  static void class_init(DeviceClass& k);

  void realize();
  void unrealize();
  void loaded() override;
  aml::Bytes acpi_terms() const override;

 private:
  u64 read(u64 offset, unsigned size);
  void write(u64 offset, u64 value, unsigned size);

  unsigned free_index() const;

  AutoNumber asked_index_;  // auto: the first that is free
  unsigned index_ = 0;
  BackendLink<Chardev> chardev_;
  std::shared_ptr<Uart16550> uart_;
  Subscription run_state_;
  std::unique_ptr<Timer> flush_timer_;
};

}  // namespace backplane::pc
