// SPDX-License-Identifier: MIT
#pragma once

#include "wire/place.h"

namespace backplane::nbd {

// Prints what a server has. Throws Error.
void print_exports(const Place& place);

}  // namespace backplane::nbd
