// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "backplane/block.h"

namespace backplane::qcow2 {

// One cluster of numbers: an L2 table, or a block of refcounts.
struct Table {
  explicit Table(u64 size) : bytes(size) {}
  std::vector<u8> bytes;
  bool dirty = false;            // not in the file yet
  std::atomic<u64> used_at = 0;  // of the cache's count
};

// Tables of a file that are in memory. find() may be called by several threads at a time; while
// something else is, nothing is.
class TableCache {
 public:
  // Keeps tables of that many bytes together, and a few at least.
  TableCache(BlockNode& file, u64 cluster_size, u64 bytes);

  // The table at that place of the file; null if it is not in memory.
  Table* find(u64 offset) const;
  // The same, read if needed. 0 or a negative errno.
  int load(u64 offset, Table*& table);
  // A new one of zeroes, dirty.
  Table& add(u64 offset);
  // The one at that place is not written any more.
  void forget(u64 offset) { tables_.erase(offset); }
  bool has_dirty() const;
  // Writes what is dirty. 0 or a negative errno.
  int write_dirty();
  // Whether there are more than are to be kept, once those are forgotten that are not dirty and
  // were not used for longest. Pointers to others stay valid.
  bool trim();

 private:
  BlockNode& file_;
  u64 cluster_size_;
  std::size_t most_;
  std::map<u64, std::unique_ptr<Table>> tables_;
  mutable std::atomic<u64> count_ = 0;
};

}  // namespace backplane::qcow2
