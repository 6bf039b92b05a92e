// SPDX-License-Identifier: MIT
// "pvpanic-pci": the same in a BAR, where Linux's driver looks for it. [pvpanic "PCI Interface"]
#include <optional>

#include "backplane/pci/pci_device.h"
#include "pvpanic/pvpanic.h"

namespace backplane::pc {

namespace {

class PvPanicPci final : public PciDevice {
 public:
  static void class_init(PciDeviceClass& k) {
    k.identity = {.vendor = 0x1b36, .device = 0x0011, .revision = 1, .class_code = 0x08'80'00};
    k.stateless();
  }

  void realize() {
    panic_.emplace(machine());
    add_bar(0, kBarSize, MmioHandler::of<&PvPanic::read, &PvPanic::write>(*panic_).sizes(1, 1),
            BarType::Memory32);
  }

 private:
  static constexpr u64 kBarSize = 16;

  std::optional<PvPanic> panic_;
};

BACKPLANE_TYPE(PvPanicPci, "pvpanic-pci", .category = "Misc",
               .description = "Lets a guest say that it has panicked (-action panic=), on PCI")

}  // namespace

}  // namespace backplane::pc
