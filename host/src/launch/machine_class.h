// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "backplane/machine.h"

namespace backplane::host {

// The class of a machine as -machine names it. Throws Error naming those there are.
const MachineClass& find_machine_class(const std::string& name);

}  // namespace backplane::host
