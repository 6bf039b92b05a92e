// SPDX-License-Identifier: MIT
#include "backplane/isa/version.h"

BACKPLANE_MODULE("hw-isa", BACKPLANE_HW_ISA_VERSION, "ISA bus, and what ISA devices derive from")
