// SPDX-License-Identifier: MIT
// Options of QEMU that managers always give, as far as they mean what is so here anyway.
#pragma once

#include "backplane/options.h"

namespace backplane::host {

// Throws Error if one of them asks for something that there is not.
void check_accepted_options(const CommandLine& line);

// -machine KEY=VALUE that says what is so of every machine here: "usb=off".
bool is_so_of_machines(std::string_view key, std::string_view value);

}  // namespace backplane::host
