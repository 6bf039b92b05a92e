// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("hw-ide", "0.1", "IDE: controller, disks and CD drives")
