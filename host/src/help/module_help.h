// SPDX-License-Identifier: MIT
// -module help and `info modules`.
#pragma once

#include <string>

namespace backplane::host {

// Every module seen: name, version, state, path, and why it cannot be used if so; then the
// directories searched. Loads nothing.
std::string module_help();

}  // namespace backplane::host
