// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/device.h"

namespace backplane {

// Resets a device; what its reset() throws ends the program with a line that names it.
void reset_or_end(Device& device);

}  // namespace backplane
