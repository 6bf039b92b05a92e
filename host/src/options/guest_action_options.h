// SPDX-License-Identifier: MIT
// -action: what follows when the guest ends what it does.
#pragma once

#include "backplane/machine.h"
#include "backplane/options.h"

namespace backplane::host {

struct Configuration;

// -action; the later one counts. Throws Error.
void set_actions(Configuration& configuration, const GivenOption& option);

}  // namespace backplane::host
