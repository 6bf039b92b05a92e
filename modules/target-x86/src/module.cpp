// SPDX-License-Identifier: MIT
#include "backplane/x86/version.h"

BACKPLANE_MODULE("target-x86", BACKPLANE_TARGET_X86_VERSION,
                 "x86-64 guest CPU: state, CPUID models, MMU, local APIC")
