// SPDX-License-Identifier: MIT
// -accel help, -M help, -cpu help, -netdev help: the types of a kind that modules offer. Nothing is
// loaded where metadata is enough.
#pragma once

#include <string>

#include "backplane/kind.h"

namespace backplane::host {

// Each installed accelerator, its module's file, and whether it can be used here. Accelerators
// are loaded to be asked.
std::string accelerator_help();

// The types of a kind, each with its module: machines, block drivers, ...
std::string kind_help(const Kind& kind);

// The models of every architecture that is installed.
std::string cpu_help();

}  // namespace backplane::host
