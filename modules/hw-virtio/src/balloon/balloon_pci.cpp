// SPDX-License-Identifier: MIT
#include "backplane/command.h"
#include "backplane/virtio/virtio_pci.h"

namespace backplane {

namespace {

class VirtioBalloonPci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = "virtio-balloon-device";
  static constexpr u32 kClassCode = 0x00'ff'00;  // unclassified

  static void class_init(PciDeviceClass& k) { init_class(k, kDevice, kClassCode); }
  VirtioBalloonPci() : VirtioPci(kDevice) {}
};
BACKPLANE_TYPE(VirtioBalloonPci, "virtio-balloon-pci", .category = "Misc",
               .description = "Memory balloon: gives guest memory back to the host")

}  // namespace

}  // namespace backplane

BACKPLANE_MONITOR_WORD("balloon", "virtio-balloon-pci")
