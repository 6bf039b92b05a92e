// SPDX-License-Identifier: MIT
// The version of the module target-x86: of what its headers declare. As the SDK's, its minor moves
// with what is added, its major with what breaks (docs/abi.md).
#pragma once

#include "backplane/modinfo.h"

#define BACKPLANE_TARGET_X86_VERSION "0.2"
// NOLINTNEXTLINE(misc-definitions-in-headers): it is each file's own
BACKPLANE_REQUIRES("target-x86", BACKPLANE_TARGET_X86_VERSION)
