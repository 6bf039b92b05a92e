// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "backplane/object.h"

namespace backplane::host {

// The type of a CPU model as -cpu names it ("max"). Throws Error naming those there are.
std::string cpu_type_of(const std::string& model);
// Its class, module loaded. Throws Error.
const ObjectClass& find_cpu_class(const std::string& model);

}  // namespace backplane::host
