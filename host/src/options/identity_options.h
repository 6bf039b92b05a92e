// SPDX-License-Identifier: MIT
// What a guest is called: -name and -uuid.
#pragma once

#include <string>

#include "backplane/options.h"

namespace backplane::host {

// The guest's name; empty if it has none. Throws Error.
std::string parse_name(const CommandLine& line);
// Its UUID, in lower case; empty if it has none. Throws Error.
std::string parse_uuid(const CommandLine& line);

}  // namespace backplane::host
