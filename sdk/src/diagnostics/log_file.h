// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <string>

namespace backplane::log {

// Creates or empties a file in which each line is complete as soon as it was written, and which no
// program that we start inherits. Null, and errno, if that fails.
std::FILE* open_log_file(const std::string& path);

}  // namespace backplane::log
