// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>

#include "backplane/block.h"
#include "format.h"

namespace backplane::qcow2 {

// What an image says of itself, checked: it is one that can be used here.
struct Header {
  u32 version = 3;
  unsigned cluster_bits = 16;
  u64 size = 0;     // bytes of the disk
  u32 l1_size = 0;  // entries
  u64 l1_table_offset = 0;
  u64 refcount_table_offset = 0;
  u32 refcount_table_clusters = 0;
  unsigned refcount_order = 4;  // a count has 2^order bits
  u64 autoclear_features = 0;

  u64 cluster_size() const { return u64{1} << cluster_bits; }
  // Bits of a guest offset that choose an entry of an L2 table.
  unsigned l2_bits() const { return cluster_bits - 3; }
  u64 to_clusters(u64 bytes) const {
    return (bytes >> cluster_bits) + ((bytes & (cluster_size() - 1)) != 0);
  }
};

// Reads it from the beginning of `file`. Throws Error with one line: no image, damaged, or of a
// kind that cannot be used, or not for writing.
Header read_header(BlockNode& file, bool for_writing);

}  // namespace backplane::qcow2
