// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "header.h"
#include "table_cache.h"

namespace backplane::qcow2 {

// How often each cluster of the file is used. [qcow2 "Host cluster management"]
//
// A cluster that is given out is counted at once in memory, and in the file by write_dirty(), which
// must come before whatever in the file begins to use it. One that is given back must not be used
// by anything in the file any more. Results are 0 or a negative errno.
class Refcounts {
 public:
  Refcounts(BlockNode& file, const Header& header);
  // Reads the table. Throws Error if it leads nowhere.
  void open();

  int count(u64 cluster, u64& count);
  // Up to `wanted` clusters that lie together, the file long enough for them.
  int allocate(u64 wanted, u64& first, u64& got);
  int give_back(u64 first, u64 clusters);

  bool has_dirty() const { return blocks_.has_dirty(); }
  int write_dirty() { return blocks_.write_dirty(); }
  // To be called when nothing is under way. True: write_dirty() is due.
  bool trim() { return blocks_.trim(); }

 private:
  u64 counts_in_block() const { return (header_.cluster_size() * 8) >> header_.refcount_order; }
  u64 get(const Table& block, u64 index) const;
  void set(Table& block, u64 index, u64 count) const;
  // The block that counts that cluster; null if there is none, and none of its clusters is used.
  int block_of(u64 cluster, Table*& block);
  // Makes one, in that cluster itself.
  int add_block(u64 cluster);
  // Makes the table long enough to have an entry for that block.
  int grow_table(u64 index);
  bool is_table(u64 cluster) const;

  BlockNode& file_;
  Header header_;
  std::vector<u64> table_;  // offsets of blocks
  TableCache blocks_;
  u64 first_free_ = 1;  // no cluster before it is free
};

}  // namespace backplane::qcow2
