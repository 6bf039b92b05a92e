// SPDX-License-Identifier: MIT
// The "key=value" strings of .modinfo, as records.
#pragma once

#include <string_view>
#include <vector>

#include "backplane/module.h"

namespace backplane {

// One record for each prefix ("NAME.key=value", the modules linked into a program) and one for
// strings without prefix, in the order in which they first appear. Strings of unknown keys are
// passed over. Throws Error on text that is no metadata.
std::vector<ModuleRecord> parse_modinfo(std::string_view section);

}  // namespace backplane
