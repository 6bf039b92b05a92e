// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/netdev.h"

namespace backplane {

class Machine;

// An address for a network card that the user gave none: 52:54:00:12:34:56, or the next one that
// no network card of the machine has, by its property "mac". Machine lock.
MacAddress free_mac_address(const Machine& machine);

}  // namespace backplane
