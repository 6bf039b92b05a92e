// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/image.h"
#include "header.h"

namespace backplane::qcow2 {

// Bytes of an image without any data: header, refcounts, and an L1 table. With that many clusters
// of data, and the tables that lead to them, behind it.
struct Layout {
  u64 refcount_table = 0;  // first clusters
  u64 refcount_blocks = 0;
  u64 l1 = 0;
  u64 l2 = 0;
  u64 data = 0;
  u64 end = 0;
  u64 refcount_table_clusters = 0;
  u64 block_count = 0;
  u64 l2_count = 0;
};
Layout layout_of(const Header& header, u64 l2_tables, u64 data_clusters);

// Writes an image into a file that is empty. `header` says what kind of one, and all that does not
// follow from that. Throws Error.
void make_image(BlockNode& file, Header header, Preallocation preallocation);

}  // namespace backplane::qcow2
