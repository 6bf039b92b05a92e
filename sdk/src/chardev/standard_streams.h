// SPDX-License-Identifier: MIT
// The program's own input and output, and the terminal that they may be.
#pragma once

#include <memory>

#include "chardev/stream_handle.h"

namespace backplane {

// Each gives one of its own, none if the program was started without it.
StreamHandle standard_input();
StreamHandle standard_output();

// Puts the terminal, if they are one, into raw mode for as long as the result lives: keys arrive
// one by one and unchanged, nothing is echoed. Without `keep_signals`, Ctrl-C is a byte like
// others.
std::shared_ptr<void> raw_terminal(bool keep_signals);

}  // namespace backplane
