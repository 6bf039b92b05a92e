// SPDX-License-Identifier: MIT
#pragma once

namespace backplane {
class Machine;
}

namespace backplane::host {

// Should this program crash, the guest's RAM is not in what the host keeps of it
// (-machine dump-guest-core=off). Where the host keeps nothing, nothing.
void leave_ram_out_of_core_dumps(Machine& machine);

}  // namespace backplane::host
