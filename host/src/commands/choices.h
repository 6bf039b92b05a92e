// SPDX-License-Identifier: MIT
// What arguments of commands may be in a machine as it is: for completion.
#pragma once

#include <string>
#include <vector>

namespace backplane {
class Machine;
}

namespace backplane::host {

// Machine lock. Not sorted.
std::vector<std::string> device_ids(Machine& machine);    // that the user gave
std::vector<std::string> backend_ids(Machine& machine);   // likewise
std::vector<std::string> object_paths(Machine& machine);  // of the whole tree
std::vector<std::string> type_names(Machine& machine);    // installed, or the program's own
std::vector<std::string> log_items(Machine& machine);     // of -d
std::vector<std::string> traced_names(Machine& machine);  // trace.h

}  // namespace backplane::host
