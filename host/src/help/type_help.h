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

// What list_kinds() has found of a kind, each with its module; or what to install, if that is
// known.
std::string kind_help(const Value& listing, const Kind& kind);

}  // namespace backplane::host
