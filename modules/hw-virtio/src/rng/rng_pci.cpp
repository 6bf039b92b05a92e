// SPDX-License-Identifier: MIT
#include "backplane/virtio/virtio_pci.h"

namespace backplane {

namespace {

class VirtioRngPci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = "virtio-rng-device";
  static constexpr u32 kClassCode = 0x00'ff'00;  // unclassified

  static void class_init(PciDeviceClass& k) { init_class(k, kDevice, kClassCode); }
  VirtioRngPci() : VirtioPci(kDevice) {}
};
BACKPLANE_TYPE(VirtioRngPci, "virtio-rng-pci", .category = "Misc",
               .description = "Random numbers from the host")

}  // namespace

}  // namespace backplane
