// SPDX-License-Identifier: MIT
// The table of an image's snapshots. [qcow2 "Snapshots"]
#pragma once

#include <string_view>
#include <vector>

#include "backplane/image.h"
#include "header.h"

namespace backplane::qcow2 {

struct StoredSnapshot {
  Snapshot about;
  u64 l1_offset = 0;
  u32 l1_size = 0;                // entries
  std::vector<u8> further_extra;  // what others keep there, behind what is known here
};

// Throws Error at a table, or at L1 tables, that cannot be. `bytes`: how long the table is.
std::vector<StoredSnapshot> read_snapshots(BlockNode& file, const Header& header, u64& bytes);
std::vector<u8> pack_snapshots(const std::vector<StoredSnapshot>& snapshots);
// By its id, or else its name; null if there is none.
const StoredSnapshot* find_snapshot(const std::vector<StoredSnapshot>& snapshots,
                                    std::string_view name);
// An id that none of them has.
std::string next_snapshot_id(const std::vector<StoredSnapshot>& snapshots);

}  // namespace backplane::qcow2
