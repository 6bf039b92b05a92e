// SPDX-License-Identifier: MIT
// Options about the program itself: what it says, and what it was handed.
#pragma once

#include "backplane/options.h"

namespace backplane::host {

struct Configuration;

// -msg and -d. Take effect at once. Each throws Error.
void set_message_form(Configuration& configuration, const GivenOption& option);
void set_log_categories(Configuration& configuration, const GivenOption& option);
// -add-fd. Throws Error.
void add_descriptor(Configuration& configuration, const GivenOption& option);

}  // namespace backplane::host
