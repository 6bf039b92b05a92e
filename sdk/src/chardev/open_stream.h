// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "chardev/stream_handle.h"

namespace backplane {

// Opens a file to be written from its end (`append`), or creates or empties it. Throws Error.
StreamHandle open_output_file(const std::string& path, bool append);

// Opens a file or a pipe to be read from; does not wait for a pipe's writer. Throws Error.
StreamHandle open_input_file(const std::string& path);

}  // namespace backplane
