// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("hw-isa", "0.1.0", "ISA bus, and what ISA devices derive from")
