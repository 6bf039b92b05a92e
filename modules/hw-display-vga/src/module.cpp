// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("hw-display-vga", "0.1", "Standard VGA with Bochs VBE extensions")
