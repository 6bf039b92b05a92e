// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/options.h"

namespace backplane::host {

// Every option of the program; lives until it ends.
const OptionTable& option_table();

}  // namespace backplane::host
