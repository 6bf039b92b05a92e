// SPDX-License-Identifier: MIT
// What the entries of tables say. [qcow2 "Cluster mapping"]
#pragma once

#include "big_endian.h"
#include "header.h"
#include "table_cache.h"

namespace backplane::qcow2 {

inline u64 entry(const Table& table, u64 index) {
  return load_be<u64>(table.bytes.data() + index * sizeof(u64));
}

inline void set_entry(Table& table, u64 index, u64 value) {
  store_be(table.bytes.data() + index * sizeof(u64), value);
  table.dirty = true;
}

// Where a part of the disk is that one entry of an L2 table is about.
enum class Place { Nowhere, Zeroes, Stored, Compressed };

inline Place place_of(u64 l2) {
  if ((l2 & kCompressed) != 0) return Place::Compressed;
  if ((l2 & kReadsAsZeroes) != 0) return Place::Zeroes;
  return (l2 & kOffsetMask) != 0 ? Place::Stored : Place::Nowhere;
}

// Clusters of the file, one behind the other.
struct Clusters {
  u64 first = 0;
  u64 count = 0;
};

// A compressed cluster: bytes of the file.
struct CompressedData {
  u64 host = 0;
  u64 size = 0;  // with what follows it in its last sector
};

inline CompressedData compressed_data(const Header& header, u64 l2) {
  const unsigned offset_bits = 62 - (header.cluster_bits - 8);
  const u64 host = l2 & ((u64{1} << offset_bits) - 1);
  const u64 sectors = ((l2 & (kCompressed - 1)) >> offset_bits) + 1;
  return {host, sectors * kCompressedSector - host % kCompressedSector};
}

inline u64 compressed_entry(const Header& header, u64 host, u64 size) {
  const unsigned offset_bits = 62 - (header.cluster_bits - 8);
  const u64 further = (host + size - 1) / kCompressedSector - host / kCompressedSector;
  return kCompressed | further << offset_bits | host;
}

// The clusters that an entry uses; none if it has no place in the file.
inline Clusters used_by(const Header& header, u64 l2) {
  if ((l2 & kCompressed) == 0) {
    const u64 host = l2 & kOffsetMask;
    return {host >> header.cluster_bits, host != 0 ? u64{1} : u64{0}};
  }
  const CompressedData data = compressed_data(header, l2);
  const u64 first = data.host >> header.cluster_bits;
  return {first, ((data.host + data.size - 1) >> header.cluster_bits) - first + 1};
}

// Whether such an entry can be of an image whose file has that many clusters.
inline bool is_l2_entry(const Header& header, u64 l2, u64 file_clusters) {
  const Clusters used = used_by(header, l2);
  if (used.first >= file_clusters || used.count > file_clusters - used.first) return false;
  // In the entry of a compressed one, all bits mean something but one.
  if ((l2 & kCompressed) != 0) return (l2 & kCopied) == 0;
  const u64 allowed = kOffsetMask | kCopied | (header.version >= 3 ? u64{kReadsAsZeroes} : u64{0});
  return (l2 & ~allowed) == 0 && (l2 & kOffsetMask) % header.cluster_size() == 0;
}

inline bool is_l1_entry(const Header& header, u64 l1, u64 file_clusters) {
  const u64 offset = l1 & kOffsetMask;
  return (l1 & kL1Reserved) == 0 && offset % header.cluster_size() == 0 &&
         offset >> header.cluster_bits < file_clusters;
}

}  // namespace backplane::qcow2
