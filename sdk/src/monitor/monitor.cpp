// SPDX-License-Identifier: MIT
#include "backplane/monitor.h"

namespace backplane {

// Here, so that the types have one home that every module shares.
InfoProvider::~InfoProvider() = default;
CommandProvider::~CommandProvider() = default;

}  // namespace backplane
