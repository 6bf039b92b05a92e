// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("hw-virtio", "0.1.0", "Virtio devices and their PCI transport")
