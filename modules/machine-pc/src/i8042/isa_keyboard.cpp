// SPDX-License-Identifier: MIT
// "i8042": the keyboard controller at ports 60h and 64h, with a keyboard and a mouse.
#include <memory>

#include "acpi/described.h"
#include "backplane/input.h"
#include "backplane/isa/isa_device.h"
#include "backplane/machine.h"
#include "i8042/i8042.h"
#include "i8042/ps2_keyboard.h"
#include "i8042/ps2_mouse.h"

namespace backplane::pc {

namespace {

class IsaKeyboard final : public IsaDevice, public InputDevice, public AcpiDescribed {
 public:
  static void class_init(DeviceClass& k) {
    k.state<&IsaKeyboard::keyboard_>(1, "keyboard");
    k.state<&IsaKeyboard::mouse_>(1, "mouse");
    k.state<&IsaKeyboard::controller_>(2);
  }

  void realize() {
    controller_ =
        std::make_unique<KeyboardController>(isa_bus().irq(1), isa_bus().irq(12), keyboard_, mouse_,
                                             [this] { machine().run_control().request_reset(); });
    add_ports(
        "i8042-data", 0x60, 1,
        MmioHandler::of<&IsaKeyboard::read_data, &IsaKeyboard::write_data>(*this).sizes(1, 1));
    add_ports(
        "i8042-command", 0x64, 1,
        MmioHandler::of<&IsaKeyboard::read_status, &IsaKeyboard::write_command>(*this).sizes(1, 1));
  }

  void unrealize() { controller_.reset(); }

  void loaded() override {
    IsaDevice::loaded();
    controller_->loaded();
  }

  unsigned takes() const override { return kKeys | kMovement; }
  std::string_view input_name() const override { return "PS/2 mouse"; }
  void key(KeyCode code, bool down) override { keyboard_.key(code, down); }
  void button(PointerButton button, bool down) override { mouse_.button(button, down); }
  void move_by(i32 dx, i32 dy) override { mouse_.move_by(dx, dy); }
  void sync() override { mouse_.sync(); }

  aml::Bytes acpi_terms() const override {
    using namespace aml;
    return join({
        device("KBD",
               join({
                   name("_HID", eisa_id("PNP0303")),
                   name("_CRS", resource_template({io_ports(0x60, 1), io_ports(0x64, 1), irq(1)})),
               })),
        device("MOU", join({
                          name("_HID", eisa_id("PNP0F13")),
                          name("_CRS", resource_template({irq(12)})),
                      })),
    });
  }

 private:
  u64 read_data(u64 /*offset*/, unsigned /*size*/) { return controller_->read_data(); }
  void write_data(u64 /*offset*/, u64 value, unsigned /*size*/) {
    controller_->write_data(static_cast<u8>(value));
  }
  u64 read_status(u64 /*offset*/, unsigned /*size*/) { return controller_->read_status(); }
  void write_command(u64 /*offset*/, u64 value, unsigned /*size*/) {
    controller_->write_command(static_cast<u8>(value));
  }

  Ps2Keyboard keyboard_;
  Ps2Mouse mouse_;
  std::unique_ptr<KeyboardController> controller_;
};

BACKPLANE_TYPE(IsaKeyboard, "i8042", .board_only = true,
               .description = "8042 keyboard controller with a PS/2 keyboard and mouse")

}  // namespace

}  // namespace backplane::pc
