// SPDX-License-Identifier: MIT
// CPUs as -cpu names them: "MODEL[,+feature][,-feature][,property=value]...".
#pragma once

#include <memory>
#include <string>

#include "backplane/cpu.h"

namespace backplane::pc {

// A CPU of that model, loading its module if needed, with the machine's compat properties and then
// the model's own list applied. Throws Error if the model or a property does not exist.
std::unique_ptr<Cpu> create_cpu(Machine& machine, const std::string& model);

}  // namespace backplane::pc
