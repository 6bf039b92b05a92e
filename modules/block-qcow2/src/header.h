// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <vector>

#include "backplane/block.h"
#include "backplane/error.h"
#include "format.h"

namespace backplane::qcow2 {

// More than any image needs; what is larger is damaged, or made to use up memory.
constexpr u64 kMaxL1Bytes = 32_MiB;
constexpr u64 kMaxRefcountTableBytes = 64_MiB;
constexpr u32 kMaxBackingName = 1023;
constexpr u32 kMostSnapshots = 65536;
constexpr u64 kMostVmState = u64{1} << 44;

// Something that follows the header.
struct HeaderExtension {
  u32 type;
  std::vector<u8> data;
};

// What an image says of itself, checked: it is one that can be used here.
struct Header {
  u32 version = 3;
  unsigned cluster_bits = 16;
  u64 size = 0;     // bytes of the disk
  u32 l1_size = 0;  // entries
  u64 l1_table_offset = 0;
  u64 refcount_table_offset = 0;
  u32 refcount_table_clusters = 0;
  u32 snapshots = 0;
  u64 snapshots_offset = 0;
  unsigned refcount_order = 4;  // a count has 2^order bits
  u64 incompatible_features = 0;
  u64 compatible_features = 0;
  u64 autoclear_features = 0;
  Compression compression = Compression::Zlib;
  std::string backing_file;
  std::vector<HeaderExtension> extensions;  // without the last one

  u64 cluster_size() const { return u64{1} << cluster_bits; }
  // Bits of a guest offset that choose an entry of an L2 table.
  unsigned l2_bits() const { return cluster_bits - 3; }
  u64 covered_by_l2() const { return u64{1} << (cluster_bits + l2_bits()); }
  u64 to_clusters(u64 bytes) const {
    return (bytes >> cluster_bits) + ((bytes & (cluster_size() - 1)) != 0);
  }
  // Entries of an L1 table that a disk of that size needs.
  u64 l1_entries(u64 disk_size) const {
    return disk_size / covered_by_l2() + (disk_size % covered_by_l2() != 0);
  }
  // Where the state of a machine begins that has a disk of that size.
  u64 vm_state_begin(u64 disk_size) const { return l1_entries(disk_size) * covered_by_l2(); }
  u64 most_references() const {
    return refcount_order == 6 ? ~u64{0} : (u64{1} << (1U << refcount_order)) - 1;
  }
  bool has(IncompatibleFeature feature) const { return (incompatible_features & feature) != 0; }
  bool lazy_refcounts() const { return (compatible_features & kLazyRefcounts) != 0; }
  // Of the backing file; empty: it does not say.
  std::string backing_format() const;
  void set_backing_format(const std::string& format);
};

// Reads it from the beginning of `file`. Throws Error with one line: no image, damaged, or of a
// kind that cannot be used, or not for writing.
Header read_header(BlockNode& file, bool for_writing);
// What goes to the beginning of the file. Throws Error if it needs more than a cluster.
std::vector<u8> pack_header(const Header& header);

// "FILE is damaged: WHAT".
Error damaged(const BlockNode& file, const std::string& what);

}  // namespace backplane::qcow2
