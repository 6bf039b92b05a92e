// SPDX-License-Identifier: MIT
// The types of the functions of functions.inc, each under its name in `signature`.
#pragma once

#include "api/emulation.h"
#include "api/exits.h"
#include "api/guest_memory.h"
#include "api/interrupts.h"
#include "api/properties.h"
#include "api/results.h"

namespace backplane::whpx::signature {

#define WHV_FUNCTION(library, need, name, parameters) using name = HRESULT parameters WHPX_ABI;
#include "api/functions.inc"
#undef WHV_FUNCTION

}  // namespace backplane::whpx::signature
