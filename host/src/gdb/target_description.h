// SPDX-License-Identifier: MIT
// What gdb is told of the registers. [GDB "Target Description Format"]
#pragma once

#include <string>
#include <vector>

#include "backplane/debug.h"

namespace backplane::host::gdb {

// As XML.
std::string describe_target(const DebugTarget& target);
// Bytes of each register, in the order of their numbers.
std::vector<unsigned> register_sizes(const DebugTarget& target);

}  // namespace backplane::host::gdb
