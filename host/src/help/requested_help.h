// SPDX-License-Identifier: MIT
// "help" as an option's value: what it prints instead of launching.
#pragma once

#include <optional>
#include <string>

#include "backplane/options.h"

namespace backplane::host {

// The text to print if some option asks for one, in the order given. Throws Error.
std::optional<std::string> requested_help(const CommandLine& line);

}  // namespace backplane::host
