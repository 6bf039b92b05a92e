// SPDX-License-Identifier: MIT
// "help" as an option's value: what it prints instead of launching. Each function is the answer of
// options, see option_table.h. Each throws Error.
#pragma once

#include <optional>
#include <string>

#include "backplane/kind.h"
#include "backplane/options.h"

namespace backplane::host {

std::optional<std::string> help_on_accelerators(const GivenOption& option);
// Also what follows accel=.
std::optional<std::string> help_on_machines(const GivenOption& option);
std::optional<std::string> help_on_cpus(const GivenOption& option);
std::optional<std::string> help_on_devices(const GivenOption& option);
// Backends.
std::optional<std::string> help_on_kind(const Kind& kind, const GivenOption& option);
// Also what follows format= and if=.
std::optional<std::string> help_on_drives(const GivenOption& option);
// -nic; also what follows model=.
std::optional<std::string> help_on_cards(const GivenOption& option);
// The short forms of character devices, and those that -chardev has.
std::optional<std::string> help_on_consoles(const GivenOption& option);
// Takes nothing but help.
std::optional<std::string> help_on_modules(const GivenOption& option);
std::optional<std::string> help_on_log(const GivenOption& option);
// What an option takes whose values are no types: as in -help.
std::optional<std::string> help_on_words(const GivenOption& option);

std::string version_text();

}  // namespace backplane::host
