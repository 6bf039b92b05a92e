// SPDX-License-Identifier: MIT
// The state of a machine's objects as people read it.
#pragma once

#include <string>

#include "backplane/value.h"

namespace backplane::host {

// Of what describe_machine_state() gives: each object's path, and a line for each of its sections.
// Numbers are hexadecimal, but for deadlines.
std::string print_machine_state(const Value& objects);

}  // namespace backplane::host
