// SPDX-License-Identifier: MIT
#include "backplane/virtio/version.h"

BACKPLANE_MODULE("hw-virtio", BACKPLANE_HW_VIRTIO_VERSION, "Virtio devices and their PCI transport")
