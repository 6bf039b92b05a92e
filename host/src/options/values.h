// SPDX-License-Identifier: MIT
// Reading values of one kind out of an option's list. Each removes the key, so that what is left
// over was not understood.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/options.h"

namespace backplane::host {

// "on" or "off"; `otherwise` if the key is absent. Throws Error naming key and value.
bool take_flag(KeyValueList& values, std::string_view key, bool otherwise);
// A whole number from min to max; `otherwise` if the key is absent. Throws Error likewise.
unsigned take_number(KeyValueList& values, std::string_view key, unsigned min, unsigned max,
                     unsigned otherwise);
// One of `choices`, of which the first is the default. Throws Error likewise.
std::string take_choice(KeyValueList& values, std::string_view key,
                        const std::vector<std::string_view>& choices);

// "help" or "?".
bool is_help(std::string_view word);
// True if the option asks what there is instead of choosing: help alone or as an element.
bool asks_for_help(const KeyValueList& values);

}  // namespace backplane::host
