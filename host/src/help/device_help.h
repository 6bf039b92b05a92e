// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace backplane::host {

// -device help: what can be plugged in, grouped by kind, with bus, description and module; those
// that cannot be used are listed apart with the reason. Loads nothing.
std::string device_help();

}  // namespace backplane::host
