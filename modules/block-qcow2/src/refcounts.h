// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <functional>
#include <span>
#include <vector>

#include "header.h"
#include "table_cache.h"

namespace backplane::qcow2 {

// The result where an image contradicts itself: nothing more may be written to it.
constexpr int kDamaged = -EBADMSG;

// The counts in a block, whatever their width.
u64 refcount_in(const Header& header, const std::vector<u8>& block, u64 index);
void set_refcount_in(const Header& header, std::vector<u8>& block, u64 index, u64 count);
inline u64 refcounts_in_block(const Header& header) {
  return (header.cluster_size() * 8) >> header.refcount_order;
}

// How often each cluster of the file is used. [qcow2 "Host cluster management"]
//
// A cluster that is given out is counted at once in memory, and in the file by write_dirty(), which
// must come before whatever in the file begins to use it. One that is given back must not be used
// by anything in the file any more. Results are 0 or a negative errno; kDamaged: by what the image
// says, the request cannot be right.
class Refcounts {
 public:
  // Has bytes of the header lead to what is written elsewhere, behind all that was written before.
  using TurnHeader = std::function<int(unsigned field, std::span<const u8> bytes)>;
  // The header is the image's: a table that moves is noted there.
  Refcounts(BlockNode& file, Header& header, TurnHeader turn_header);
  // Reads the table. Throws Error if it leads nowhere.
  void open();

  int count(u64 cluster, u64& count);
  // Up to `wanted` clusters that lie together, the file long enough for them.
  int allocate(u64 wanted, u64& first, u64& got);
  // As many as that, together.
  int allocate_together(u64 clusters, u64& first);
  // One more, or one less, uses them. -EOVERFLOW: a count cannot be so high.
  int add(u64 first, u64 clusters);
  int give_back(u64 first, u64 clusters);
  // Where blocks of counts are, in the file.
  const std::vector<u64>& blocks() const { return table_; }

  // wait: for the disk, where one step must come before the next.
  int write_dirty(bool wait);
  // To be called when nothing is under way. True: write_dirty() is due.
  bool trim();

 private:
  u64 counts_in_block() const { return refcounts_in_block(header_); }
  u64 get(const Table& block, u64 index) const { return refcount_in(header_, block.bytes, index); }
  void set(Table& block, u64 index, u64 count) const {
    block.dirty = true;
    set_refcount_in(header_, block.bytes, index, count);
  }
  // The block that counts that cluster; null if there is none, and none of its clusters is used.
  int block_of(u64 cluster, Table*& block);
  // Makes one, in that cluster itself.
  int add_block(u64 cluster);
  int add_blocks(const std::vector<u64>& indexes, u64 first);
  // Counts as many clusters behind the end of the file.
  int append(u64 clusters, u64& first);
  int is_free(u64 cluster, bool& free);
  // Makes the table long enough to have an entry for that block.
  int grow_table(u64 index);
  bool is_table(u64 cluster) const;
  // Counts free clusters that the file gets room for.
  int take(u64 first, u64 clusters);

  BlockNode& file_;
  Header& header_;
  const TurnHeader turn_header_;
  std::vector<u64> table_;  // offsets of blocks
  TableCache blocks_;
  std::vector<u64> unnamed_;  // indexes of blocks to which the table in the file does not lead yet
  u64 first_free_ = 1;        // no cluster before it is free
  // The block that was asked for last.
  u64 last_index_ = ~u64{0};
  Table* last_block_ = nullptr;
};

}  // namespace backplane::qcow2
