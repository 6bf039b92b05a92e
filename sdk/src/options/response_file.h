// SPDX-License-Identifier: MIT
// "@FILE": words of the command line that stand in a file.
#pragma once

#include <string>
#include <vector>

namespace backplane {

// The words of a file, split as Boost.Program_options splits a command line of a Unix system.
// Throws Error: it cannot be read, or its quotes are not closed.
std::vector<std::string> response_file_words(const std::string& path);

}  // namespace backplane
