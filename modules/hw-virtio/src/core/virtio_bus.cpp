// SPDX-License-Identifier: MIT
#include "backplane/virtio/virtio_bus.h"

#include "backplane/error.h"
#include "backplane/virtio/virtio_device.h"

namespace backplane {

BACKPLANE_REGISTER(VirtioBus, .description = "Holds one virtio device")

void VirtioBus::plug(Device& device) {
  if (dynamic_cast<VirtioDevice*>(&device) == nullptr)
    throw Error::of("{} is not a virtio device", device.type_name());
  if (!has_room())
    throw Error::of("a virtio bus holds one device; {} is on this one",
                    devices().front()->type_name());
  Bus::plug(device);
}

}  // namespace backplane
