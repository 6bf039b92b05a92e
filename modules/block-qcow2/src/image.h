// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "backplane/image.h"
#include "compression.h"
#include "entries.h"
#include "header.h"
#include "refcounts.h"
#include "snapshots.h"
#include "table_cache.h"
#include "use_counts.h"

namespace backplane::qcow2 {

// A disk in a qcow2 file. [qcow2 "Cluster mapping"]
//
// What is written goes into the file at once; what leads to it stays in memory until flush(), which
// brings it down in an order that leaves a sound image at every moment: counts of clusters, then
// the L2 tables that use them, then the L1 table; and only then is given back what nothing uses any
// more. A host that dies in between loses what was not flushed, and at most some room. Where the
// image has lazy refcounts, it is marked dirty instead while counts are behind.
//
// An image that turns out to contradict itself is not written to any more.
//
// Any thread, several at a time; results are 0 or a negative errno.
class Image {
 public:
  // Reads the header and all tables; one that is dirty is repaired for writing. Throws Error with
  // one line: damaged, or of a kind that cannot be used.
  Image(BlockNode& file, bool for_writing);

  const Header& header() const { return header_; }
  u64 size() const { return header_.size; }
  // What shows where the image has nothing; null: zeroes. Nothing is in flight.
  void set_backing(BlockNode* backing) { backing_ = backing; }

  int read(u64 offset, std::span<const iovec> iov);
  int write(u64 offset, std::span<const iovec> iov);
  // A cluster, or the last of the disk, packed.
  int write_compressed(u64 offset, std::span<const u8> data);
  // What covers whole clusters is given back.
  int discard(u64 offset, u64 size);
  int write_zeroes(u64 offset, u64 size, bool may_unmap);
  // What `size` bytes from there begin with.
  int extent(u64 offset, u64 size, Extent& extent);
  // wait: the disk has it all, and had each step before the next, afterwards.
  int flush(bool wait);
  // flush(), and nothing is behind any more: the last thing that is done with it.
  int close();

  // --- what changes the image as a whole (reshape.cpp); nothing else is in flight -------------
  int grow(u64 size);
  int shrink(u64 size);
  int make_empty();
  // Throws Error if it does not fit.
  int set_backing_name(const std::string& file, const std::string& format);
  const std::vector<StoredSnapshot>& snapshots() const { return snapshots_; }
  int create_snapshot(const StoredSnapshot& described);
  int apply_snapshot(const StoredSnapshot& snapshot);
  int delete_snapshot(const StoredSnapshot& snapshot);

  // --- the state of a machine, behind the disk (vm_state.cpp); nothing else is in flight --------
  int write_vm_state(u64 offset, std::span<const u8> bytes);
  int drop_vm_state();
  int read_vm_state(const StoredSnapshot& snapshot, u64 offset, std::span<u8> bytes);

 private:
  using Unique = std::unique_lock<std::shared_mutex>;

  // A part of the disk that is stored in one way.
  struct Run {
    Place place = Place::Nowhere;
    bool own = false;  // stored: may be written where it is
    u64 host = 0;      // stored: where; zeroes: their room, if they have any
    u64 length = 0;
    u64 compressed = 0;  // the entry
  };
  // The least that clusters are dropped for.
  enum class Drop { Discard, Zeroes, KeepPlace };

  void read_l1();
  // Throws Error unless all tables can be used.
  void check_tables(bool for_writing);
  // seen: clusters of the file that something else uses.
  void check_l2(u64 l1, std::vector<bool>& seen, bool for_writing);
  u64 file_clusters() const { return header_.to_clusters(file_.size()); }
  u64 covered_by_l2() const { return header_.covered_by_l2(); }
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
  int read_backing(u64 offset, std::span<const iovec> iov);
  int read_compressed(u64 l2, u64 within_cluster, std::span<const iovec> iov);
  int read_run(const Run& run, u64 offset, std::span<const iovec> iov);

  // These are called with the lock, for writing.
  int expect_usable() const { return broken_ ? -EIO : 0; }
  // Of a result of tables: what contradicts itself is told, and stops all writing.
  int judged(int error);
  // A change of counts is about to be made.
  int begin_change();
  int own_l2(u64 offset, Table*& l2);
  int write_new(u64 offset, u64 size, std::span<const iovec> iov, u64 from, u64& written);
  // Counts clusters for such a write, as many as there are together.
  int place_new(Table& l2, u64 index, u64 wanted, Clusters& got);
  // What the disk has now, whatever lies beyond its end.
  int read_old(u64 offset, std::vector<u8>& bytes);
  int store_packed(u64 offset, std::span<const u8> packed);
  int place_packed(u64 size, u64& host);
  // The clusters from `offset` on, of one table, have no content of their own afterwards.
  int drop_clusters(u64 offset, u64 clusters, Drop how);
  void drop_use(u64 l2);
  bool zeroes_need_no_writing(bool may_unmap) const;
  int bring_down(bool wait);
  int write_l1();
  // One use less of clusters that nothing in the file uses that way any more.
  int give_back(const Clusters& clusters);
  int make_room_in_memory();
  void set_l1(u64 index, u64 value);
  void resize_l1(std::size_t entries);

  int write_header_fields(unsigned field, std::span<const u8> bytes);
  // The same of what leads elsewhere: if it fails, the header may lead to either, and nothing more
  // is written.
  int turn_header(unsigned field, std::span<const u8> bytes);
  int write_feature_bits();
  int move_l1(std::vector<u64> entries, u64 disk_size);
  int read_l1_of(const StoredSnapshot& snapshot, std::vector<u64>& entries);
  // One more use, or one less, of all that a table leads to.
  int count_uses(const std::vector<u64>& l1, bool more);
  // What a table leads to, and the tables below it, counted.
  int find_uses(const std::vector<u64>& l1, UseCounts& uses);
  int update_copied();
  int store_snapshots(std::vector<StoredSnapshot> snapshots);
  // Whether a snapshot can be taken away or gone back to: what it leads to is what it may use.
  // Throws Error if not; the disk is none the worse for it. Everything in memory is in the file.
  int judge(const StoredSnapshot& snapshot);
  int mark_in_change(bool on);
  int reshape(const std::function<int()>& expect, const std::function<int()>& work);
  int add_snapshot(const StoredSnapshot& described);
  int go_back_to(const StoredSnapshot& snapshot);
  int drop_snapshot(const StoredSnapshot& snapshot);
  // Nothing is behind the disk any more.
  int clear_behind_disk();
  // Entries of the L1 table for what is behind it, up to there.
  int make_room_behind_disk(u64 end);

  BlockNode& file_;
  Header header_;
  BlockNode* backing_ = nullptr;
  std::shared_mutex mutex_;  // shared: tables stay as they are; nothing is given back
  std::vector<u64> l1_;
  std::vector<bool> l1_dirty_;  // by sector of the table
  TableCache l2_;
  Refcounts refcounts_;
  std::vector<Clusters> freed_;  // nothing in memory uses it; in the file, something may
  u64 freed_clusters_ = 0;       // in these
  std::vector<StoredSnapshot> snapshots_;
  Codec codec_;
  u64 packed_end_ = 0;  // where the next compressed cluster may begin; 0: nowhere
  std::atomic<bool> broken_ = false;
  bool marks_are_old_ = false;  // which clusters are used once

  std::mutex unpacked_mutex_;  // innermost: of the cluster that was unpacked last
  u64 unpacked_entry_ = 0;
  std::vector<u8> unpacked_;
};

}  // namespace backplane::qcow2
