// SPDX-License-Identifier: MIT
// Pictures of a screen as files.
#pragma once

#include <string>
#include <string_view>

#include "backplane/display.h"

namespace backplane::host {

// The bytes of a file, of what the screen has now.
std::string ppm_of(const Screen& screen);
std::string png_of(const Screen& screen);

}  // namespace backplane::host
