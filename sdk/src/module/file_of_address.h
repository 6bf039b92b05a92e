// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

namespace backplane {

// The path of the file that an address belongs to, as the system's loader knows it; empty if it
// belongs to none.
std::filesystem::path path_of_address(const void* address);

// The file that this program was started from.
std::filesystem::path program_file();

}  // namespace backplane
