// SPDX-License-Identifier: MIT
// Devices and the buses they sit on.
#pragma once

#include <string>

#include "backplane/value.h"

namespace backplane {
class Machine;
}

namespace backplane::host {

// Every device that sits on no bus: type, id, what it says of itself, properties, and its buses,
// which have name, type, and the devices on them. A CPU's properties are left out: it has one for
// each of its many features, which -cpu MODEL,help lists.
Value device_tree(Machine& machine);
// The same for people, indented.
std::string print_device_tree(const Value& devices);

}  // namespace backplane::host
