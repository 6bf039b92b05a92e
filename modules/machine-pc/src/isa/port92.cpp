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
  static void class_init(DeviceClass& k) {
    k.state<&Port92::state_>(1, {member<&State::value>("value")});
  }

  void realize() {
    add_ports("port92", 0x92, 1, MmioHandler::of<&Port92::read, &Port92::write>(*this).sizes(1, 1));
  }

 private:
  u64 read(u64 /*offset*/, unsigned /*size*/) { return state_.value; }
  void write(u64 /*offset*/, u64 value, unsigned /*size*/) {
    const bool pulse = (value & kFastReset) != 0 && (state_.value & kFastReset) == 0;
    state_.value = static_cast<u8>(value | kA20);
    if (pulse) machine().run_control().request_reset();
  }

  struct State {
    u8 value = kA20;
  };
  State state_;
};

BACKPLANE_TYPE(Port92, "port92", .board_only = true, .description = "System control port A")

}  // namespace

}  // namespace backplane::pc
