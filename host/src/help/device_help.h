// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace backplane::host {

// -device help: what can be plugged in, grouped by kind, with bus, description and module; those
// that cannot be used are listed apart with the reason. Loads nothing.
std::string device_help();

// -nic model=help: those of one group alone.
std::string device_help(std::string_view category);

}  // namespace backplane::host
