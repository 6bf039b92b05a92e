// SPDX-License-Identifier: MIT
// Bringing an accepted module into the process.
#pragma once

#include <filesystem>

#include "backplane/module.h"

namespace backplane {

// Loads the file by the path `from`, which is the record's or another name of it, checks that it
// registers what its metadata promises, and hands its types to the registry; it is never unloaded.
// Throws Error (without the path) with a hint; nothing of the file is registered then.
void load_module_file(const ModuleRecord& record, const std::filesystem::path& from);

}  // namespace backplane
