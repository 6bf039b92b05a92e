// SPDX-License-Identifier: MIT
// The options of the program: what each is called and takes, what it means for the configuration,
// and what it prints instead where it asks for help.
#pragma once

#include <optional>
#include <string>

#include "backplane/options.h"

namespace backplane::host {

struct Configuration;

// Every option of the program; lives until it ends.
const OptionTable& option_table();

// Carries out the actions of the options of a pass, in the order given. What is early takes effect
// at once. Throws Error.
void apply_options(const CommandLine& line, OptionPass pass, Configuration& configuration);

// The text to print instead of launching, if some option asks for one, in the order given. Throws
// Error.
std::optional<std::string> requested_help(const CommandLine& line);

}  // namespace backplane::host
