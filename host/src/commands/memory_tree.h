// SPDX-License-Identifier: MIT
// Address spaces as people read them.
#pragma once

#include <string>

#include "backplane/value.h"

namespace backplane::host {

// Of what AddressSpace::describe() gives, a list of them: a line for each region, indented, and one
// for each range of the view.
std::string print_memory_trees(const Value& spaces);

}  // namespace backplane::host
