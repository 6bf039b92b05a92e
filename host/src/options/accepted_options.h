// SPDX-License-Identifier: MIT
// Options of QEMU that managers always give, as far as they mean what is so here anyway.
#pragma once

#include "backplane/options.h"

namespace backplane::host {

struct Configuration;

// Each throws Error if it asks for something that there is not.
void accept_overcommit(Configuration& configuration, const GivenOption& option);
void accept_audiodev(Configuration& configuration, const GivenOption& option);
// The date is the board's to set.
void set_rtc(Configuration& configuration, const GivenOption& option);

// -machine KEY=VALUE that says what is so of every machine here: "usb=off".
bool is_so_of_machines(std::string_view key, std::string_view value);

}  // namespace backplane::host
