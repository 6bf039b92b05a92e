// SPDX-License-Identifier: MIT
// Where firmware is: files that others make, and distributions install. Thread-safe once the
// machine is being built.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace backplane {

// The path of a file of firmware, or of an option ROM: as it is, if it has a slash; else in the
// first directory that has a file of this name: those of add_firmware_directory(), then where
// distributions put it. Never in the working directory: who means that one, has the user say so.
// Throws Error, with the package that would bring it.
std::string firmware_file(std::string_view name);
// The same; none if there is no such file.
std::optional<std::string> find_firmware_file(std::string_view name);

// Looks there first; the last one given before the others.
void add_firmware_directory(std::string path);

}  // namespace backplane
