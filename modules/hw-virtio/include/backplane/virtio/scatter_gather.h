// SPDX-License-Identifier: MIT
// Copying to and from a list of host buffers at a byte offset.
#pragma once

#include <span>
#include <vector>

#include "backplane/io_vector.h"
#include "backplane/types.h"
#include "backplane/virtio/version.h"

namespace backplane {

// Copies up to `size` bytes from the list, starting `offset` bytes into it. Returns how many
// there were.
u64 gather(std::span<const iovec> from, u64 offset, void* to, u64 size);

// Copies up to `size` bytes into the list, starting `offset` bytes into it. Returns how many fit.
u64 scatter(std::span<const iovec> to, u64 offset, const void* from, u64 size);

// Appends the buffers of [offset, offset+size) of the list to `out`. Returns how many bytes of
// that there were.
u64 slice(std::span<const iovec> list, u64 offset, u64 size, std::vector<iovec>& out);

}  // namespace backplane
