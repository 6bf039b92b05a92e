// SPDX-License-Identifier: MIT
// What RealizeStep remembers of the chain under way on this thread.
#pragma once

#include <string>

namespace backplane::realize_trace {

// The innermost step that an exception left since forget_failure(); empty if none.
const std::string& failed_step();
void forget_failure();

}  // namespace backplane::realize_trace
