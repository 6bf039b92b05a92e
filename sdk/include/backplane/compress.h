// SPDX-License-Identifier: MIT
// Decompression of kernels and images.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backplane/types.h"

namespace backplane {

// Whether data starts like a gzip file [RFC 1952 "Member header and trailer"].
bool is_gzip(std::span<const u8> data);

// Decompresses a gzip file, or several one behind the other; what follows them is ignored. `name`
// is what messages call it. Throws Error: not gzip, damaged, cut off, or larger than maximum_size
// bytes when decompressed. Any thread.
std::vector<u8> gunzip(std::span<const u8> data, u64 maximum_size, const std::string& name);

// Reads a whole file, decompressed if it is a gzip file, of at most maximum_size bytes before and
// after that. Throws Error. Any thread.
std::vector<u8> read_file_gunzipped(const std::string& path, u64 maximum_size);

}  // namespace backplane
