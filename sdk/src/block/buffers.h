// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "backplane/io_vector.h"
#include "backplane/types.h"

namespace backplane {

// The sum of the lengths; false if it does not fit.
bool total_size(const std::vector<iovec>& iov, u64& size);
bool all_zero(const std::vector<iovec>& iov);

}  // namespace backplane
