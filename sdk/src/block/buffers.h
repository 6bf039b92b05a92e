// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>

#include "backplane/io_vector.h"
#include "backplane/types.h"

namespace backplane {

// The sum of the lengths; false if it does not fit.
bool total_size(std::span<const iovec> iov, u64& size);
// "3 GiB", or bytes where that is no whole number of a unit.
std::string readable_size(u64 bytes);
bool all_zero(std::span<const iovec> iov);

}  // namespace backplane
