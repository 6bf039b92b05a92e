// SPDX-License-Identifier: MIT
#include "check.h"

#include <algorithm>
#include <array>
#include <set>

#include "backplane/error.h"
#include "entries.h"
#include "refcounts.h"
#include "snapshots.h"
#include "use_counts.h"

namespace backplane::qcow2 {

namespace {

constexpr std::size_t kMostFindings = 100;

class Checker {
 public:
  explicit Checker(BlockNode& file) : file_(file), header_(read_header(file, false)) {}

  CheckReport run(Repair repair);

 private:
  u64 file_clusters() const { return header_.to_clusters(file_.size()); }
  u64 in_block() const { return refcounts_in_block(header_); }
  std::vector<u8> read(u64 offset, u64 size) const;
  std::vector<u64> read_entries(u64 offset, u64 entries) const;
  void write(u64 offset, std::span<const u8> bytes);
  void flush();

  void found(const std::string& what);
  void corrupt(const std::string& what) {
    ++report_.corruptions;
    found("ERROR " + what);
  }
  void use(u64 offset, u64 bytes);
  void count_uses();
  void count_refcounts();
  void count_l1(const std::vector<u64>& l1, bool is_active);
  void count_l2(u64 l2_offset, bool is_active);
  // The counts that a block has; all zero if there is none.
  std::vector<u8> block(u64 index) const;
  u64 needed_blocks() const;
  void compare();
  void compare_block(u64 index, bool lower);
  void check_copied(bool repair);
  bool check_copied_entry(u64& value, const char* what);
  void make_refcounts_anew();
  void clear_marks();

  BlockNode& file_;
  Header header_;
  UseCounts uses_;
  std::vector<u64> active_l1_;
  std::vector<u64> blocks_;          // by index; 0: none
  std::set<u64> refcount_clusters_;  // of the table and its blocks
  bool counts_are_wrong_ = false;    // too low, or not there
  bool tables_are_wrong_ = false;    // which nothing here can repair
  CheckReport report_;
};

std::vector<u8> Checker::read(u64 offset, u64 size) const {
  std::vector<u8> bytes(size);
  const u64 end = file_.size();
  const u64 there = offset < end ? std::min(size, end - offset) : 0;
  if (there != 0)
    if (const int error = file_.read(offset, bytes.data(), there); error != 0)
      throw Error(file_.explain(error));
  return bytes;
}

std::vector<u64> Checker::read_entries(u64 offset, u64 entries) const {
  const std::vector<u8> raw = read(offset, entries * sizeof(u64));
  std::vector<u64> table(entries);
  for (u64 i = 0; i < entries; ++i) table[i] = load_be<u64>(raw.data() + i * sizeof(u64));
  return table;
}

void Checker::write(u64 offset, std::span<const u8> bytes) {
  if (const int error = file_.write(offset, bytes.data(), bytes.size()); error != 0)
    throw Error(file_.explain(error));
}

void Checker::flush() {
  if (const int error = file_.flush(); error != 0) throw Error(file_.explain(error));
}

void Checker::found(const std::string& what) {
  if (report_.findings.size() < kMostFindings) report_.findings.push_back(what);
}

void Checker::use(u64 offset, u64 bytes) {
  if (bytes == 0) return;
  const u64 first = offset >> header_.cluster_bits;
  const u64 last = (offset + bytes - 1) >> header_.cluster_bits;
  for (u64 cluster = first; cluster <= last; ++cluster) uses_.add(cluster);
}

void Checker::count_uses() {
  if ((header_.autoclear_features & kBitmapsAreValid) != 0)
    throw Error(file_.where() + " has bitmaps, which are not checked here",
                "qemu-img check does it");
  use(0, header_.cluster_size());
  u64 table_bytes = 0;
  const std::vector<StoredSnapshot> snapshots = read_snapshots(file_, header_, table_bytes);
  if (header_.snapshots != 0) use(header_.snapshots_offset, table_bytes);
  use(header_.l1_table_offset, u64{header_.l1_size} * sizeof(u64));
  count_refcounts();
  active_l1_ = read_entries(header_.l1_table_offset, header_.l1_size);
  report_.clusters = header_.to_clusters(header_.size);
  count_l1(active_l1_, true);
  for (const StoredSnapshot& snapshot : snapshots) {
    use(snapshot.l1_offset, u64{snapshot.l1_size} * sizeof(u64));
    count_l1(read_entries(snapshot.l1_offset, snapshot.l1_size), false);
  }
}

void Checker::count_refcounts() {
  const u64 table = header_.refcount_table_offset >> header_.cluster_bits;
  for (u64 i = 0; i < header_.refcount_table_clusters; ++i) {
    uses_.add(table + i);
    refcount_clusters_.insert(table + i);
  }
  blocks_ =
      read_entries(header_.refcount_table_offset,
                   (u64{header_.refcount_table_clusters} << header_.cluster_bits) / sizeof(u64));
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    u64& offset = blocks_[i];
    if (offset == 0) continue;
    const u64 cluster = offset >> header_.cluster_bits;
    const bool is_place = offset % header_.cluster_size() == 0 && cluster < file_clusters();
    if (is_place && refcount_clusters_.insert(cluster).second) {
      uses_.add(cluster);
      continue;
    }
    corrupt(fmt::format("refcount block {} cannot be at {:#x}", i, offset));
    counts_are_wrong_ = true;
    offset = 0;
  }
}

void Checker::count_l1(const std::vector<u64>& l1, bool is_active) {
  std::set<u64> tables;
  for (std::size_t i = 0; i < l1.size(); ++i) {
    if ((l1[i] & kOffsetMask) == 0) continue;
    if (is_l1_entry(header_, l1[i], file_clusters()) && tables.insert(l1[i] & kOffsetMask).second) {
      uses_.add((l1[i] & kOffsetMask) >> header_.cluster_bits);
      count_l2(l1[i] & kOffsetMask, is_active);
      continue;
    }
    corrupt(fmt::format("entry {} of an L1 table is {:#x}", i, l1[i]));
    tables_are_wrong_ = true;
  }
}

void Checker::count_l2(u64 l2_offset, bool is_active) {
  const u64 end = file_clusters();
  u64 next_host = 0;  // where the cluster before has its neighbour; 0: there was none
  const std::vector<u64> l2 = read_entries(l2_offset, header_.cluster_size() / sizeof(u64));
  for (std::size_t i = 0; i < l2.size(); ++i) {
    if (l2[i] == 0) continue;
    if (!is_l2_entry(header_, l2[i], end)) {
      corrupt(fmt::format("entry {} of the L2 table at {:#x} is {:#x}", i, l2_offset, l2[i]));
      tables_are_wrong_ = true;
      continue;
    }
    const Clusters used = used_by(header_, l2[i]);
    for (u64 n = 0; n < used.count; ++n) uses_.add(used.first + n);
    if (!is_active || used.count == 0) continue;
    ++report_.allocated;
    const bool is_compressed = (l2[i] & kCompressed) != 0;
    if (is_compressed) ++report_.compressed;
    if (is_compressed || (next_host != 0 && used.first != next_host)) ++report_.fragmented;
    if (!is_compressed) next_host = used.first + 1;
  }
}

std::vector<u8> Checker::block(u64 index) const {
  if (index >= blocks_.size() || blocks_[index] == 0) return {};
  return read(blocks_[index], header_.cluster_size());
}

u64 Checker::needed_blocks() const { return (uses_.end() + in_block() - 1) / in_block(); }

void Checker::compare() {
  for (u64 index = 0; index < std::max<u64>(blocks_.size(), needed_blocks()); ++index)
    compare_block(index, false);
}

// lower: counts that are too high are written as they should be.
void Checker::compare_block(u64 index, bool lower) {
  std::vector<u8> counts = block(index);
  const u64 first = index * in_block();
  if (counts.empty()) {
    // Nothing to be seen where nothing is used.
    if (first >= uses_.end()) return;
  }
  bool changed = false;
  for (u64 i = 0; i < in_block(); ++i) {
    const u64 stored = counts.empty() ? 0 : refcount_in(header_, counts, i);
    const u64 used = uses_.at(first + i);
    if (stored == used) continue;
    if (lower) {
      if (stored < used) continue;
      set_refcount_in(header_, counts, i, used);
      changed = true;
    } else if (stored > used) {
      ++report_.leaks;
      found(fmt::format("Leaked cluster {} refcount={} reference={}", first + i, stored, used));
    } else {
      corrupt(fmt::format("cluster {} refcount={} reference={}", first + i, stored, used));
      counts_are_wrong_ = true;
    }
  }
  if (changed) write(blocks_[index], counts);
}

bool Checker::check_copied_entry(u64& value, const char* what) {
  const u64 offset = value & kOffsetMask;
  const bool single = uses_.at(offset >> header_.cluster_bits) == 1;
  if (single == ((value & kCopied) != 0)) return false;
  corrupt(fmt::format("OFLAG_COPIED {}: {:#x} refcount={}", what, value,
                      uses_.at(offset >> header_.cluster_bits)));
  value = offset | (value & kReadsAsZeroes) | (single ? kCopied : 0);
  return true;
}

void Checker::check_copied(bool repair) {
  for (std::size_t i = 0; i < active_l1_.size(); ++i) {
    if ((active_l1_[i] & kOffsetMask) == 0 || !is_l1_entry(header_, active_l1_[i], file_clusters()))
      continue;
    const u64 before = report_.corruptions;
    const u64 l2_offset = active_l1_[i] & kOffsetMask;
    if (check_copied_entry(active_l1_[i], "L1 entry") && repair) {
      u8 raw[sizeof(u64)];
      store_be(raw, active_l1_[i]);
      write(header_.l1_table_offset + i * sizeof raw, raw);
    }
    std::vector<u8> table = read(l2_offset, header_.cluster_size());
    bool changed = false;
    for (std::size_t at = 0; at < table.size(); at += sizeof(u64)) {
      u64 value = load_be<u64>(table.data() + at);
      if ((value & kCompressed) != 0 || (value & kOffsetMask) == 0 ||
          !is_l2_entry(header_, value, file_clusters()))
        continue;
      if (!check_copied_entry(value, "data cluster")) continue;
      store_be(table.data() + at, value);
      changed = true;
    }
    if (changed && repair) write(l2_offset, table);
    if (!repair) continue;
    report_.corruptions_fixed += report_.corruptions - before;
    report_.corruptions = before;
  }
}

// A table and blocks behind all that is used, and of the old ones nothing.
void Checker::make_refcounts_anew() {
  for (const u64 cluster : refcount_clusters_) uses_.remove(cluster);
  const u64 entries_in_cluster = header_.cluster_size() / sizeof(u64);
  // Behind what the header leads to until it leads here, as well.
  const u64 first = std::max(uses_.end(), file_clusters());
  std::set<u64> indexes;
  for (const auto& page : uses_.pages())
    for (u64 i = 0; i < UseCounts::kInPage; ++i)
      if (page.second[i] != 0) indexes.insert((page.first * UseCounts::kInPage + i) / in_block());
  u64 table_clusters = 0;
  for (u64 before = ~u64{0}; before != indexes.size() + table_clusters;) {
    before = indexes.size() + table_clusters;
    const u64 end = first + before;
    for (u64 cluster = first; cluster < end; ++cluster) indexes.insert(cluster / in_block());
    table_clusters = *indexes.rbegin() / entries_in_cluster + 1;
  }
  const u64 end = first + indexes.size() + table_clusters;
  for (u64 cluster = first; cluster < end; ++cluster) uses_.add(cluster);
  if (const int error = file_.grow(end << header_.cluster_bits); error != 0)
    throw Error(file_.explain(error));
  std::vector<u8> table(table_clusters << header_.cluster_bits);
  u64 at = first;
  for (const u64 index : indexes) {
    std::vector<u8> counts(header_.cluster_size());
    for (u64 i = 0; i < in_block(); ++i) {
      const u64 used = uses_.at(index * in_block() + i);
      if (used > header_.most_references())
        throw damaged(file_,
                      fmt::format("cluster {} is used {} times", index * in_block() + i, used));
      if (used != 0) set_refcount_in(header_, counts, i, used);
    }
    write(at << header_.cluster_bits, counts);
    store_be(table.data() + index * sizeof(u64), at << header_.cluster_bits);
    ++at;
  }
  write(at << header_.cluster_bits, table);
  flush();
  std::array<u8, sizeof(u64) + sizeof(u32)> fields{};
  store_be(fields.data(), at << header_.cluster_bits);
  store_be(fields.data() + sizeof(u64), static_cast<u32>(table_clusters));
  write(kRefcountTableOffset, fields);
  flush();
}

void Checker::clear_marks() {
  const u64 marks = kDirty | kCorrupt;
  if ((header_.incompatible_features & marks) == 0) return;
  flush();
  std::array<u8, sizeof(u64)> bits{};
  store_be(bits.data(), header_.incompatible_features & ~marks);
  write(kIncompatibleFeatures, bits);
}

CheckReport Checker::run(Repair repair) {
  count_uses();
  compare();
  // What contradicts itself is not made worse.
  const bool repairs_all = repair == Repair::All && !tables_are_wrong_;
  check_copied(repairs_all);
  report_.end = uses_.end() << header_.cluster_bits;
  if (repairs_all && counts_are_wrong_) {
    make_refcounts_anew();
    report_.corruptions_fixed += std::exchange(report_.corruptions, 0);
    report_.leaks_fixed += std::exchange(report_.leaks, 0);
  } else if (repair != Repair::Nothing && report_.leaks != 0 && !tables_are_wrong_) {
    for (u64 index = 0; index < blocks_.size(); ++index)
      if (blocks_[index] != 0) compare_block(index, true);
    report_.leaks_fixed += std::exchange(report_.leaks, 0);
  }
  if (repair != Repair::Nothing && report_.corruptions == 0) clear_marks();
  if (repair != Repair::Nothing) flush();
  return report_;
}

}  // namespace

CheckReport check_image(BlockNode& file, Repair repair) { return Checker(file).run(repair); }

}  // namespace backplane::qcow2
