// SPDX-License-Identifier: MIT
// "port92": system control port A: fast reset and the A20 gate, which is always open.
// [IBM PS/2 Hardware Interface Technical Reference "System Control Port A"]
#include "backplane/isa/isa_device.h"
#include "backplane/machine.h"

namespace backplane::pc {

namespace {

constexpr u8 kFastReset = 0x01, kA20 = 0x02;

class Port92 final : public IsaDevice {
 public:
  void realize() override {
    BACKPLANE_REALIZE_STEP("port 92h realize");
    IsaDevice::realize();
    add_ports("port92", 0x92, 1, MmioHandler::of<&Port92::read, &Port92::write>(*this).sizes(1, 1));
  }

  void reset() override { value_ = kA20; }

 private:
  u64 read(u64 /*offset*/, unsigned /*size*/) { return value_; }
  void write(u64 /*offset*/, u64 value, unsigned /*size*/) {
    const bool pulse = (value & kFastReset) != 0 && (value_ & kFastReset) == 0;
    value_ = static_cast<u8>(value | kA20);
    if (pulse) machine().request_reset();
  }

  u8 value_ = kA20;
};

BACKPLANE_TYPE(Port92, "port92", .board_only = true, .description = "System control port A")

}  // namespace

}  // namespace backplane::pc
