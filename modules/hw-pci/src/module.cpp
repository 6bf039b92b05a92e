// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("hw-pci", "0.1.0", "PCI bus and host bridge, and what PCI devices derive from")
