// SPDX-License-Identifier: MIT
// The DSDT: what of the board the operating system cannot find by itself.
#pragma once

#include "acpi/aml.h"
#include "backplane/machine.h"

namespace backplane::pc {

// The definition block without its table header, from what the machine's devices say of
// themselves.
aml::Bytes build_dsdt(Machine& machine);

}  // namespace backplane::pc
