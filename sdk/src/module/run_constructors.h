// SPDX-License-Identifier: MIT
// The first step of loading a file, in which code of it runs.
#pragma once

#include <filesystem>

namespace backplane {

// Has the system load the file and run its constructors, whose exceptions come through. A file that
// the system refuses is left to who loads it next, to tell why.
void run_constructors(const std::filesystem::path& file);

}  // namespace backplane
