// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include "backplane/io_vector.h"
#include "backplane/types.h"

namespace backplane {

// Transfer everything, however many pieces that takes and however little the kernel moves at a
// time. 0 or a negative errno; -EIO at the end of the file.
int read_fully(int fd, u64 offset, std::span<const iovec> iov);
int write_fully(int fd, u64 offset, std::span<const iovec> iov);

}  // namespace backplane
