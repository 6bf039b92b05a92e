// SPDX-License-Identifier: MIT
// Asking an option what there is, instead of choosing.
#pragma once

#include <string_view>

#include "backplane/options.h"

namespace backplane::host {

// "help" or "?".
bool is_help(std::string_view word);
// True if the option asks what there is instead of choosing: help alone or as an element.
bool asks_for_help(const KeyValueList& values);

}  // namespace backplane::host
