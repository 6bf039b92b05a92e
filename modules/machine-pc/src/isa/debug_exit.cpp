// SPDX-License-Identifier: MIT
// "isa-debug-exit": a guest's write ends the program with a status made from the value.
#include "backplane/isa/isa_device.h"
#include "backplane/machine.h"

namespace backplane::pc {

namespace {

class IsaDebugExit final : public IsaDevice {
 public:
  static void class_init(DeviceClass& k) {
    k.property<&IsaDebugExit::base_>("iobase", "first port");
    k.property<&IsaDebugExit::size_>("iosize", "number of ports");
    k.stateless();
  }

  void realize() {
    add_ports("debug-exit", base_, size_,
              MmioHandler::of<&IsaDebugExit::read, &IsaDebugExit::write>(*this).sizes(1, 4));
  }

 private:
  u64 read(u64 /*offset*/, unsigned /*size*/) { return 0; }
  void write(u64 /*offset*/, u64 value, unsigned /*size*/) {
    machine().run_control().request_shutdown(ShutdownCause::Debug,
                                             static_cast<int>((value << 1 | 1) & 0xff));
  }

  u32 base_ = 0x501;
  u32 size_ = 2;
};

BACKPLANE_TYPE(IsaDebugExit, "isa-debug-exit", .category = "Misc",
               .description = "Ends the program with status 2 * value + 1")

}  // namespace

}  // namespace backplane::pc
