// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("machine-pc", "0.1", "The pc machine: chipset, boards, ACPI, kernel loading")
