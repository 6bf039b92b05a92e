// SPDX-License-Identifier: MIT
// X,help: the properties of one type.
#pragma once

#include <string>
#include <string_view>

#include "backplane/object.h"

namespace backplane::host {

// One line a property: name, type, description, default; sorted. `noun` is how the user calls the
// type ("accelerator tcg").
std::string property_help(const ObjectClass& type, std::string_view noun);

}  // namespace backplane::host
