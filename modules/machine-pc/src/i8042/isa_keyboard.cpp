// SPDX-License-Identifier: MIT
// "i8042": the keyboard controller at ports 60h and 64h.
#include <memory>

#include "backplane/isa/isa_device.h"
#include "backplane/machine.h"
#include "i8042/i8042.h"

namespace backplane::pc {

namespace {

class IsaKeyboard final : public IsaDevice {
 public:
  static void class_init(DeviceClass& k) { k.state<&IsaKeyboard::controller_>(1); }

  void realize() {
    controller_ = std::make_unique<KeyboardController>(
        isa_bus().irq(1), [this] { machine().run_control().request_reset(); });
    add_ports(
        "i8042-data", 0x60, 1,
        MmioHandler::of<&IsaKeyboard::read_data, &IsaKeyboard::write_data>(*this).sizes(1, 1));
    add_ports(
        "i8042-command", 0x64, 1,
        MmioHandler::of<&IsaKeyboard::read_status, &IsaKeyboard::write_command>(*this).sizes(1, 1));
  }

  void unrealize() { controller_.reset(); }

 private:
  u64 read_data(u64 /*offset*/, unsigned /*size*/) { return controller_->read_data(); }
  void write_data(u64 /*offset*/, u64 value, unsigned /*size*/) {
    controller_->write_data(static_cast<u8>(value));
  }
  u64 read_status(u64 /*offset*/, unsigned /*size*/) { return controller_->read_status(); }
  void write_command(u64 /*offset*/, u64 value, unsigned /*size*/) {
    controller_->write_command(static_cast<u8>(value));
  }

  std::unique_ptr<KeyboardController> controller_;
};

BACKPLANE_TYPE(IsaKeyboard, "i8042", .board_only = true, .description = "8042 keyboard controller")

}  // namespace

}  // namespace backplane::pc
