// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("hw-virtio-serial", "0.1", "virtio serial ports and consoles")
