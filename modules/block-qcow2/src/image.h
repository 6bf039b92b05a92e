// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "header.h"
#include "refcounts.h"
#include "table_cache.h"

namespace backplane::qcow2 {

// A disk in a qcow2 file. [qcow2 "Cluster mapping"]
//
// What is written goes into the file at once; what leads to it stays in memory until flush(), which
// brings it down in an order that leaves a sound image at every moment: counts of clusters, then
// the L2 tables that use them, then the L1 table; and only then is given back what nothing uses any
// more. A host that dies in between loses what was not flushed, and at most some room.
//
// Any thread, several at a time; results are 0 or a negative errno.
class Image {
 public:
  // Reads the header and all tables. Throws Error with one line: damaged, or of a kind that cannot
  // be used.
  Image(BlockNode& file, bool for_writing);

  u64 size() const { return header_.size; }
  int read(u64 offset, std::span<const iovec> iov);
  int write(u64 offset, std::span<const iovec> iov);
  // What covers whole clusters is given back.
  int discard(u64 offset, u64 size);
  int write_zeroes(u64 offset, u64 size, bool may_unmap);
  // Makes it that long, as far as the L1 table has room in its clusters; else -ENOTSUP.
  int grow(u64 size);
  // wait: the disk has it all, and had each step before the next, afterwards.
  int flush(bool wait);

 private:
  using Unique = std::unique_lock<std::shared_mutex>;

  // A part of the disk that lies together in the file, or nowhere.
  struct Run {
    bool stored = false;  // else it reads as zeroes
    bool own = false;     // may be written where it is
    u64 host = 0;
    u64 length = 0;
  };
  struct Freed {
    u64 first;
    u64 clusters;
  };

  void read_l1();
  // Throws Error unless every entry of the table is one that can be used.
  void check_l2(u64 l2_offset);
  u64 covered_by_l2() const { return u64{1} << (header_.cluster_bits + header_.l2_bits()); }
  u64 l1_index(u64 offset) const { return offset >> (header_.cluster_bits + header_.l2_bits()); }
  u64 l2_index(u64 offset) const {
    return offset >> header_.cluster_bits & ((u64{1} << header_.l2_bits()) - 1);
  }
  u64 within(u64 offset) const { return offset & (header_.cluster_size() - 1); }

  // What `size` bytes from there begin with. False if the table must be loaded first. Any lock.
  bool find(u64 offset, u64 size, Run& run) const;
  // Lets find() succeed, soon after.
  int load(u64 offset);
  // The file's part, zeroes where it ends.
  int read_host(u64 offset, std::span<const iovec> iov);

  // These are called with the lock, for writing.
  int own_l2(u64 offset, Table*& l2);
  int write_new(u64 offset, u64 size, std::span<const iovec> iov, u64 from, u64& written);
  int write_clusters(u64 host, u64 clusters, u64 head, std::span<const iovec> data, u64 size,
                     bool fresh);
  // The clusters from `first` on, of one table, read as zeroes afterwards.
  int drop_clusters(u64 offset, u64 clusters, bool keep_place);
  int bring_down(bool wait);
  int make_room_in_memory();

  BlockNode& file_;
  Header header_;
  std::shared_mutex mutex_;  // shared: tables stay as they are; nothing is given back
  std::vector<u64> l1_;
  std::vector<bool> l1_dirty_;  // by sector of the table
  TableCache l2_;
  Refcounts refcounts_;
  std::vector<Freed> freed_;  // nothing in memory uses it; in the file, something may
};

}  // namespace backplane::qcow2
