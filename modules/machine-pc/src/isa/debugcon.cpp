// SPDX-License-Identifier: MIT
// "isa-debugcon": a port whose bytes go to a character device. Reading it tells that it is there.
#include "backplane/chardev.h"
#include "backplane/error.h"
#include "backplane/isa/isa_device.h"

namespace backplane::pc {

namespace {

class IsaDebugCon final : public IsaDevice {
 public:
  static void class_init(DeviceClass& k) {
    k.property<&IsaDebugCon::base_>("iobase", "the port");
    k.property<&IsaDebugCon::readback_>("readback", "the byte it reads as");
    k.property<&IsaDebugCon::chardev_>("chardev", "id of the -chardev that gets the bytes");
    k.stateless();
  }

  void realize() {
    if (!chardev_) throw Error("chardev= is missing: the id of a -chardev for its output");
    add_ports("debugcon", base_, 1,
              MmioHandler::of<&IsaDebugCon::read, &IsaDebugCon::write>(*this).sizes(1, 1));
  }

 private:
  u64 read(u64 /*offset*/, unsigned /*size*/) { return readback_; }
  void write(u64 /*offset*/, u64 value, unsigned /*size*/) {
    const u8 byte = static_cast<u8>(value);
    chardev_->write(&byte, 1);
  }

  u32 base_ = 0xe9;
  u8 readback_ = 0xe9;
  BackendLink<Chardev> chardev_;
};

BACKPLANE_TYPE(IsaDebugCon, "isa-debugcon", .category = "Misc",
               .description = "Debug console: a port to a character device")

}  // namespace

}  // namespace backplane::pc
