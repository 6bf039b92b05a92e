// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "backplane/types.h"

namespace backplane::qcow2 {

// Bytes of the Zstandard frame that the data begins with, whatever follows it; 0: it begins with
// none, or not with all of one. [RFC 8878 "Zstandard Frames"]
std::size_t zstd_frame_size(std::span<const u8> data);

}  // namespace backplane::qcow2
