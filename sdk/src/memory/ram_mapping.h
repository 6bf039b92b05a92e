// SPDX-License-Identifier: MIT
// The host's memory behind a RamBlock.
#pragma once

#include <string>

#include "backplane/host_file.h"
#include "backplane/types.h"

namespace backplane {

struct RamMapping {
  u8* host = nullptr;
  int fd = -1;  // its memfd, on Linux
};

// Memory that reads as zero and takes room on the host only where it is used. `size` is a multiple
// of kPageSize. Throws Error, which begins with the block's name.
RamMapping map_ram(const std::string& name, u64 size);
void unmap_ram(const RamMapping& mapping, u64 size);

// Makes whole pages read as zero, and gives them back to the host where it can take them while
// guest code runs.
void clear_ram(const RamMapping& mapping, u64 offset, u64 size);

// Copies the first `size` bytes of a regular file to the beginning of memory that nobody has used
// yet. Returns how many there were, fewer only at the end of the file, or a negative errno.
i64 read_into_ram(const RamMapping& mapping, const HostFile& file, u64 size);

// Moves [start, end) to its first part that may be other than zero; empty if there is none.
void find_used_ram(const RamMapping& mapping, u64& start, u64& end);

}  // namespace backplane
