// SPDX-License-Identifier: MIT
#pragma once

namespace backplane::host {

inline constexpr const char* kVersion = BACKPLANE_VERSION;

}  // namespace backplane::host
