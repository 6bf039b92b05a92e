// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace backplane::testing {

// The devices, buses and machines known to this program that can be made and do not say what their
// state is: neither ObjectClass::state() nor stateless(). A machine that has one cannot be saved.
std::vector<std::string> types_without_state();

}  // namespace backplane::testing
