// SPDX-License-Identifier: MIT
#include "launch/core_dump.h"

namespace backplane::host {

void leave_ram_out_of_core_dumps(Machine&) {}

}  // namespace backplane::host
