// SPDX-License-Identifier: MIT
// What the programs of this package have in common from their beginning to their end.
#pragma once

#include <string>
#include <vector>

namespace backplane::img {

// For main(): calls run() with the words of the command line, and gives its exit status; 1, after a
// line on standard error that begins with the program's name, where it throws, or what it printed
// could not be written.
int run_program(const char* name, int argc, char** argv,
                int (*run)(const std::vector<std::string>& words));

}  // namespace backplane::img
