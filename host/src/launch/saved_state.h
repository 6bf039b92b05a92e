// SPDX-License-Identifier: MIT
// Where a machine's state is saved to and loaded from.
#pragma once

#include <filesystem>
#include <string_view>

namespace backplane::host {

// The file that `place` names: a file's name alone, or "file:PATH", as QEMU has it. Throws Error if
// it names nothing, or something else.
std::filesystem::path saved_state_file(std::string_view place);

}  // namespace backplane::host
