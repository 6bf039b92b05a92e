// SPDX-License-Identifier: MIT
// "pvpanic": a port by which a guest says that it has panicked. [pvpanic "ISA Interface"]
#include <optional>

#include "acpi/described.h"
#include "backplane/isa/isa_device.h"
#include "pvpanic/pvpanic.h"

namespace backplane::pc {

namespace {

class IsaPvPanic final : public IsaDevice, public AcpiDescribed {
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

  // [QEMU "pvpanic device": ACPI interface]
  aml::Bytes acpi_terms() const override {
    using namespace aml;
    return device("PEVT",
                  join({
                      name("_HID", string("QEMU0001")),
                      name("_STA", integer(0x0f)),
                      name("_CRS", resource_template({io_ports(static_cast<u16>(base_), 1)})),
                  }));
  }

 private:
  u32 base_ = 0x505;
  std::optional<PvPanic> panic_;
};

BACKPLANE_TYPE(IsaPvPanic, "pvpanic", .category = "Misc",
               .description = "Lets a guest say that it has panicked (-action panic=)")

}  // namespace

}  // namespace backplane::pc
