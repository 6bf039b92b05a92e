// SPDX-License-Identifier: MIT
#include "backplane/virtio/virtio_pci.h"

namespace backplane {

namespace {

class VirtioBlockPci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = "virtio-blk-device";
  static constexpr u32 kClassCode = 0x01'00'00;  // mass storage

  static void class_init(PciDeviceClass& k) { init_class(k, kDevice, kClassCode); }
  VirtioBlockPci() : VirtioPci(kDevice) {}
};
BACKPLANE_TYPE(VirtioBlockPci, "virtio-blk-pci", .category = "Storage", .description = "Disk")

}  // namespace

}  // namespace backplane
