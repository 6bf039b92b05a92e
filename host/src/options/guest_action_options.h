// SPDX-License-Identifier: MIT
// -action and -no-reboot: what follows when the guest ends what it does.
#pragma once

#include "backplane/machine.h"
#include "backplane/options.h"

namespace backplane::host {

// What all of them ask for together; the later one counts. Throws Error.
GuestActions parse_guest_actions(const CommandLine& line);

}  // namespace backplane::host
