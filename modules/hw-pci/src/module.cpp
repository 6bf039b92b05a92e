// SPDX-License-Identifier: MIT
#include "backplane/pci/version.h"

BACKPLANE_MODULE("hw-pci", BACKPLANE_HW_PCI_VERSION,
                 "PCI bus and host bridge, and what PCI devices derive from")
