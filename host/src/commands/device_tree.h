// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace backplane {
class Machine;
}

namespace backplane::host {

// Every device below the bus it sits on, with its properties, indented.
std::string device_tree(Machine& machine);

}  // namespace backplane::host
