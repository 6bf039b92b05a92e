// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>

#include <vector>

#include "backplane/types.h"

namespace backplane {

// The sum of the lengths; false if it does not fit.
bool total_size(const std::vector<iovec>& iov, u64& size);
bool all_zero(const std::vector<iovec>& iov);

// Transfer everything, however many pieces that takes and however little the kernel moves at a
// time. 0 or a negative errno; -EIO at the end of the file.
int read_fully(int fd, u64 offset, const std::vector<iovec>& iov);
int write_fully(int fd, u64 offset, const std::vector<iovec>& iov);

}  // namespace backplane
