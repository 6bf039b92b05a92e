// SPDX-License-Identifier: MIT
// -module help and `info modules`.
#pragma once

#include <string>

#include "backplane/value.h"

namespace backplane::host {

// What list_modules() has found, for people: a line each, and why it cannot be used if so; then the
// directories searched.
std::string module_help(const Value& listing);

}  // namespace backplane::host
