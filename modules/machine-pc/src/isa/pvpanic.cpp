// SPDX-License-Identifier: MIT
// "pvpanic": a port by which a guest says that it has panicked. [pvpanic "ISA Interface"]
#include "chips/pvpanic.h"

#include <optional>

#include "backplane/isa/isa_device.h"

namespace backplane::pc {

namespace {

class IsaPvPanic final : public IsaDevice {
 public:
  static void class_init(DeviceClass& k) {
    k.property<&IsaPvPanic::base_>("ioport", "the port");
    k.stateless();
  }

  void realize() {
    panic_.emplace(machine());
    add_ports("pvpanic", base_, 1,
              MmioHandler::of<&PvPanic::read, &PvPanic::write>(*panic_).sizes(1, 1));
  }

 private:
  u32 base_ = 0x505;
  std::optional<PvPanic> panic_;
};

BACKPLANE_TYPE(IsaPvPanic, "pvpanic", .category = "Misc",
               .description = "Lets a guest say that it has panicked (-action panic=)")

}  // namespace

}  // namespace backplane::pc
