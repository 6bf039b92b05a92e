// SPDX-License-Identifier: MIT
#include "module/run_constructors.h"

namespace backplane {

// No exception comes through the system's loader.
void run_constructors(const std::filesystem::path&) {}

}  // namespace backplane
