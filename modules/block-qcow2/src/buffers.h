// SPDX-License-Identifier: MIT
// Lists of buffers.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "backplane/io_vector.h"
#include "backplane/types.h"

namespace backplane::qcow2 {

// The part of a list that follows the first `from` bytes.
std::vector<iovec> part_of(std::span<const iovec> iov, u64 from, u64 size);
u64 total_of(std::span<const iovec> iov);
void clear(std::span<const iovec> iov);
// Fills the list with what is at `from`, which is as long.
void copy_to(std::span<const iovec> iov, const u8* from);
// The list in one piece.
std::vector<u8> gathered(std::span<const iovec> iov);
// Puts that many zeroes behind what a list has; they can be read only.
void append_zeroes(std::vector<iovec>& iov, u64 size);

}  // namespace backplane::qcow2
