// SPDX-License-Identifier: MIT
// -accel help, -M help, -cpu help, -netdev help: the types of a kind that modules offer. Nothing is
// loaded where metadata is enough.
#pragma once

#include <string>

#include "backplane/kind.h"
#include "backplane/value.h"

namespace backplane::host {

// What list_accelerators() has found: each one, its module's file, and whether it can be used here.
std::string accelerator_help(const Value& listing);

// The types of a kind, each with its module: machines, block drivers, ...
std::string kind_help(const Kind& kind);

// The models of every architecture that is installed.
std::string cpu_help();

}  // namespace backplane::host
