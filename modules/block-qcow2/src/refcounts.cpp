// SPDX-License-Identifier: MIT
#include "refcounts.h"

#include <algorithm>
#include <cerrno>

#include "backplane/error.h"
#include "big_endian.h"

namespace backplane::qcow2 {

namespace {

constexpr u64 kCacheBytes = 4_MiB;

}  // namespace

u64 refcount_in(const Header& header, const std::vector<u8>& block, u64 index) {
  const u8* const bytes = block.data();
  switch (header.refcount_order) {
    case 3:
      return bytes[index];
    case 4:
      return load_be<u16>(bytes + index * 2);
    case 5:
      return load_be<u32>(bytes + index * 4);
    case 6:
      return load_be<u64>(bytes + index * 8);
    default: {  // several in a byte, the first in the least significant bits
      const unsigned bits = 1U << header.refcount_order;
      const u64 in_byte = 8 / bits;
      return bytes[index / in_byte] >> (index % in_byte * bits) & ((1U << bits) - 1);
    }
  }
}

void set_refcount_in(const Header& header, std::vector<u8>& block, u64 index, u64 count) {
  u8* const bytes = block.data();
  switch (header.refcount_order) {
    case 3:
      bytes[index] = static_cast<u8>(count);
      return;
    case 4:
      return store_be<u16>(bytes + index * 2, static_cast<u16>(count));
    case 5:
      return store_be<u32>(bytes + index * 4, static_cast<u32>(count));
    case 6:
      return store_be<u64>(bytes + index * 8, count);
    default: {
      const unsigned bits = 1U << header.refcount_order;
      const u64 in_byte = 8 / bits;
      const auto shift = static_cast<unsigned>(index % in_byte * bits);
      const unsigned mask = ((1U << bits) - 1) << shift;
      u8& byte = bytes[index / in_byte];
      byte = static_cast<u8>((byte & ~mask) | (static_cast<unsigned>(count) << shift & mask));
    }
  }
}

Refcounts::Refcounts(BlockNode& file, Header& header, TurnHeader turn_header)
    : file_(file),
      header_(header),
      turn_header_(std::move(turn_header)),
      blocks_(file, header.cluster_size(), kCacheBytes) {}

void Refcounts::open() {
  const u64 bytes = u64{header_.refcount_table_clusters} << header_.cluster_bits;
  std::vector<u8> raw(bytes);
  const u64 there = std::min(bytes, file_.size() - header_.refcount_table_offset);
  if (const int error = file_.read(header_.refcount_table_offset, raw.data(), there); error != 0)
    throw Error(file_.explain(error));
  table_.resize(bytes / sizeof(u64));
  const u64 end = header_.to_clusters(file_.size()) << header_.cluster_bits;
  for (std::size_t i = 0; i < table_.size(); ++i) {
    table_[i] = load_be<u64>(raw.data() + i * sizeof(u64)) & kRefcountOffsetMask;
    if (table_[i] % header_.cluster_size() != 0 || table_[i] >= end)
      throw damaged(file_, fmt::format("no refcounts can be at {:#x}", table_[i]));
  }
  std::vector<u64> sorted = table_;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i] != 0 && sorted[i] == sorted[i - 1])
      throw damaged(file_, fmt::format("the refcounts at {:#x} are used twice", sorted[i]));
}

int Refcounts::block_of(u64 cluster, Table*& block) {
  const u64 index = cluster / counts_in_block();
  block = last_block_;
  if (index == last_index_) return 0;
  block = nullptr;
  if (index >= table_.size() || table_[index] == 0) return 0;
  const int error = blocks_.load(table_[index], block);
  if (error == 0) {
    last_index_ = index;
    last_block_ = block;
  }
  return error;
}

bool Refcounts::trim() {
  last_index_ = ~u64{0};
  return blocks_.trim();
}

int Refcounts::count(u64 cluster, u64& count) {
  Table* block = nullptr;
  const int error = block_of(cluster, block);
  count = block == nullptr ? 0 : get(*block, cluster % counts_in_block());
  return error;
}

// What a damaged image may say is free: the header and its tables.
bool Refcounts::is_table(u64 cluster) const {
  const auto holds = [&](u64 offset, u64 clusters) {
    const u64 first = offset >> header_.cluster_bits;
    return cluster >= first && cluster - first < clusters;
  };
  return cluster == 0 || holds(header_.refcount_table_offset, header_.refcount_table_clusters) ||
         holds(header_.l1_table_offset, header_.to_clusters(u64{header_.l1_size} * sizeof(u64)));
}

int Refcounts::allocate(u64 wanted, u64& first, u64& got) {
  got = 0;
  u64 cluster = first_free_;
  for (; got < wanted; ++cluster) {
    Table* block = nullptr;
    if (const int error = block_of(cluster, block); error != 0) return error;
    if (block == nullptr) {
      if (got != 0) break;  // what there is will do
      if (const int error = add_block(cluster); error != 0) return error;
      continue;
    }
    const u64 index = cluster % counts_in_block();
    if (get(*block, index) != 0) {
      if (got != 0) break;
      continue;
    }
    if (is_table(cluster)) return kDamaged;
    if (got == 0) first = cluster;
    ++got;
  }
  if (const int error = take(first, got); error != 0) return error;
  first_free_ = first + got;
  return 0;
}

int Refcounts::take(u64 first, u64 clusters) {
  // Nothing is counted before the file has room for it.
  if (const int error = file_.grow((first + clusters) << header_.cluster_bits); error != 0)
    return error;
  for (u64 i = 0; i < clusters; ++i) {
    Table* block = nullptr;
    if (const int error = block_of(first + i, block); error != 0) return error;
    set(*block, (first + i) % counts_in_block(), 1);
  }
  return 0;
}

int Refcounts::allocate_together(u64 clusters, u64& first) {
  u64 run = 0;
  for (u64 cluster = first_free_; run < clusters; ++cluster) {
    Table* block = nullptr;
    if (const int error = block_of(cluster, block); error != 0) return error;
    if (block == nullptr) return append(clusters, first);
    if (get(*block, cluster % counts_in_block()) != 0) {
      run = 0;
      continue;
    }
    if (is_table(cluster)) return kDamaged;
    if (run++ == 0) first = cluster;
  }
  return take(first, clusters);
}

int Refcounts::is_free(u64 cluster, bool& free) {
  Table* block = nullptr;
  const int error = block_of(cluster, block);
  free = block == nullptr || get(*block, cluster % counts_in_block()) == 0;
  return error;
}

// Blocks that are missing come first, so that none lies between the clusters.
int Refcounts::append(u64 clusters, u64& first) {
  u64 begin = header_.to_clusters(file_.size());
  std::vector<u64> missing;  // indexes of blocks
  for (bool settled = false; !settled;) {
    const u64 end = begin + missing.size() + clusters;
    if (const u64 last = (end - 1) / counts_in_block(); last >= table_.size()) {
      if (const int error = grow_table(last); error != 0) return error;
      begin = header_.to_clusters(file_.size());
      missing.clear();
      continue;
    }
    std::vector<u64> needed;
    for (u64 i = begin / counts_in_block(); i <= (end - 1) / counts_in_block(); ++i)
      if (table_[i] == 0) needed.push_back(i);
    settled = needed.size() == missing.size();
    missing = std::move(needed);
    for (u64 cluster = begin; settled && cluster < end; ++cluster) {
      bool free = false;
      if (const int error = is_free(cluster, free); error != 0) return error;
      if (free) continue;
      begin = cluster + 1;
      missing.clear();
      settled = false;
    }
  }
  first = begin + missing.size();
  if (const int error = file_.grow((first + clusters) << header_.cluster_bits); error != 0)
    return error;
  if (const int error = add_blocks(missing, begin); error != 0) return error;
  return take(first, clusters);
}

// Makes these, one behind the other, and counts the clusters that they are in.
int Refcounts::add_blocks(const std::vector<u64>& indexes, u64 first) {
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    const u64 offset = (first + i) << header_.cluster_bits;
    blocks_.add(offset);
    table_[indexes[i]] = offset;
    unnamed_.push_back(indexes[i]);
  }
  for (u64 cluster = first; cluster < first + indexes.size(); ++cluster) {
    Table* block = nullptr;
    if (const int error = block_of(cluster, block); error != 0) return error;
    set(*block, cluster % counts_in_block(), 1);
  }
  return 0;
}

int Refcounts::write_dirty(bool wait) {
  if (const int error = blocks_.write_dirty(); error != 0) return error;
  if (unnamed_.empty()) return 0;
  // They are whole before the table leads to them.
  if (wait)
    if (const int error = file_.flush(); error != 0) return error;
  for (const u64 index : unnamed_) {
    u8 entry[sizeof(u64)];
    store_be(entry, table_[index]);
    const u64 at = header_.refcount_table_offset + index * sizeof entry;
    if (const int error = file_.write(at, entry, sizeof entry); error != 0) return error;
  }
  unnamed_.clear();
  return 0;
}

int Refcounts::add(u64 first, u64 clusters) {
  for (u64 cluster = first; cluster < first + clusters; ++cluster) {
    Table* block = nullptr;
    if (const int error = block_of(cluster, block); error != 0) return error;
    const u64 index = cluster % counts_in_block();
    const u64 before = block == nullptr ? 0 : get(*block, index);
    if (before == 0) return kDamaged;
    if (before == header_.most_references()) return -EOVERFLOW;
    set(*block, index, before + 1);
  }
  return 0;
}

int Refcounts::give_back(u64 first, u64 clusters) {
  for (u64 cluster = first; cluster < first + clusters; ++cluster) {
    Table* block = nullptr;
    if (const int error = block_of(cluster, block); error != 0) return error;
    const u64 index = cluster % counts_in_block();
    const u64 before = block == nullptr ? 0 : get(*block, index);
    if (before == 0) return kDamaged;
    set(*block, index, before - 1);
    if (before == 1) first_free_ = std::min(first_free_, cluster);
  }
  return 0;
}

int Refcounts::add_block(u64 cluster) {
  const u64 index = cluster / counts_in_block();
  if (index >= table_.size()) return grow_table(index);
  if (is_table(cluster)) return kDamaged;
  if (const int error = file_.grow((cluster + 1) << header_.cluster_bits); error != 0) return error;
  return add_blocks({index}, cluster);
}

// A larger table goes behind all that is counted and all that the file has, together with the
// blocks that count these clusters themselves.
int Refcounts::grow_table(u64 index) {
  const u64 cluster_size = header_.cluster_size();
  const u64 entries_in_cluster = cluster_size / sizeof(u64);
  const u64 first = std::max(table_.size() * counts_in_block(), header_.to_clusters(file_.size()));
  const u64 first_block = first / counts_in_block();
  u64 table_clusters = u64{header_.refcount_table_clusters} * 2;
  u64 blocks = 1;
  for (;;) {
    const u64 last_block = (first + table_clusters + blocks - 1) / counts_in_block();
    const u64 blocks_needed = last_block - first_block + 1;
    const u64 clusters_needed =
        (std::max(last_block, index) + 1 + entries_in_cluster - 1) / entries_in_cluster;
    if (blocks_needed <= blocks && clusters_needed <= table_clusters) break;
    blocks = std::max(blocks, blocks_needed);
    table_clusters = std::max(table_clusters, clusters_needed);
  }
  const u64 end = first + blocks + table_clusters;
  if (const int error = file_.grow(end << header_.cluster_bits); error != 0) return error;

  std::vector<u64> table = table_;
  table.resize(table_clusters * entries_in_cluster);
  for (u64 i = 0; i < blocks; ++i) {
    const u64 offset = (first + i) << header_.cluster_bits;
    Table& block = blocks_.add(offset);
    const u64 begin = (first_block + i) * counts_in_block();
    for (u64 cluster = std::max(first, begin); cluster < std::min(end, begin + counts_in_block());
         ++cluster)
      set(block, cluster - begin, 1);
    table[first_block + i] = offset;
  }
  if (const int error = blocks_.write_dirty(); error != 0) return error;
  std::vector<u8> raw(table.size() * sizeof(u64));
  for (std::size_t i = 0; i < table.size(); ++i) store_be(raw.data() + i * sizeof(u64), table[i]);
  const u64 offset = (first + blocks) << header_.cluster_bits;
  if (const int error = file_.write(offset, raw.data(), raw.size()); error != 0) return error;
  // Both fields of the header change at once.
  u8 fields[sizeof(u64) + sizeof(u32)];
  store_be(fields, offset);
  store_be(fields + sizeof(u64), static_cast<u32>(table_clusters));
  if (const int error = turn_header_(kRefcountTableOffset, fields); error != 0) return error;

  unnamed_.clear();
  const u64 old_first = header_.refcount_table_offset >> header_.cluster_bits;
  const u64 old_clusters = header_.refcount_table_clusters;
  table_ = std::move(table);
  header_.refcount_table_offset = offset;
  header_.refcount_table_clusters = static_cast<u32>(table_clusters);
  return give_back(old_first, old_clusters);
}

}  // namespace backplane::qcow2
