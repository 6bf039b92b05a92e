// SPDX-License-Identifier: MIT
#include "backplane/modinfo.h"

BACKPLANE_MODULE("target-x86", "0.1.0", "x86-64 guest CPU: state, CPUID models, MMU, local APIC")
