// SPDX-License-Identifier: MIT
// What changes an image as a whole: its size, its snapshots, what it stands on. Each step that the
// file leads to comes after what it leads to is on the disk, and what nothing leads to any more is
// given back last.
#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <utility>

#include "backplane/error.h"
#include "backplane/log.h"
#include "buffers.h"
#include "image.h"

namespace backplane::qcow2 {

int Image::write_header_fields(unsigned field, std::span<const u8> bytes) {
  if (const int error = file_.flush(); error != 0) return error;
  if (const int error = file_.write(field, bytes.data(), bytes.size()); error != 0) return error;
  return file_.flush();
}

int Image::turn_header(unsigned field, std::span<const u8> bytes) {
  if (const int error = file_.flush(); error != 0) return error;
  int error = file_.write(field, bytes.data(), bytes.size());
  if (error == 0) error = file_.flush();
  if (error != 0 && !broken_.exchange(true))
    log::report(
        fmt::format("{}: whether its header was changed is not known; nothing more is "
                    "written to it",
                    file_.explain(error)));
  return error;
}

int Image::write_feature_bits() {
  std::array<u8, sizeof(u64)> bits{};
  store_be(bits.data(), header_.incompatible_features);
  return write_header_fields(kIncompatibleFeatures, bits);
}

// Has the header lead to a new L1 table, of a disk of that size, at once; the old one is given
// back. Everything in memory is in the file.
int Image::move_l1(std::vector<u64> entries, u64 disk_size) {
  const u64 bytes = entries.size() * sizeof(u64);
  if (bytes > kMaxL1Bytes) return -EFBIG;
  const Clusters old{header_.l1_table_offset >> header_.cluster_bits,
                     header_.to_clusters(u64{header_.l1_size} * sizeof(u64))};
  u64 first = 0;
  if (const int error =
          refcounts_.allocate_together(std::max<u64>(1, header_.to_clusters(bytes)), first);
      error != 0)
    return error;
  if (const int error = refcounts_.write_dirty(true); error != 0) return error;
  std::vector<u8> raw(std::max<u64>(1, header_.to_clusters(bytes)) << header_.cluster_bits);
  for (std::size_t i = 0; i < entries.size(); ++i)
    store_be(raw.data() + i * sizeof(u64), entries[i]);
  const u64 offset = first << header_.cluster_bits;
  if (const int error = file_.write(offset, raw.data(), raw.size()); error != 0) return error;
  // No encryption lies between them.
  std::array<u8, kRefcountTableOffset - kSize> fields{};
  store_be(fields.data(), disk_size);
  store_be(fields.data() + (kL1Size - kSize), static_cast<u32>(entries.size()));
  store_be(fields.data() + (kL1TableOffset - kSize), offset);
  if (const int error = turn_header(kSize, fields); error != 0) return error;
  header_.size = disk_size;
  header_.l1_size = static_cast<u32>(entries.size());
  header_.l1_table_offset = offset;
  l1_ = std::move(entries);
  l1_dirty_.clear();
  resize_l1(l1_.size());
  if (const int error = give_back(old); error != 0) return error;
  return refcounts_.write_dirty(true);
}

int Image::grow(u64 size) {
  if (size <= header_.size) return 0;
  if (size >> 62 != 0) return -EFBIG;
  // What may be in the last cluster was never seen; what lies below the new part is not to be seen.
  const u64 old_size = header_.size;
  const u64 in_last = within(old_size);
  const u64 rest = in_last == 0 ? 0 : std::min(size - old_size, header_.cluster_size() - in_last);
  if (rest != 0)
    if (const int error = write_zeroes(old_size, rest, false); error != 0) return error;
  {
    const Unique lock(mutex_);
    if (const int error = clear_behind_disk(); error != 0) return error;
    if (const int error = bring_down(true); error != 0) return error;
    std::vector<u64> entries = l1_;
    entries.resize(std::max<u64>(entries.size(), header_.l1_entries(size)));
    if (entries.size() != l1_.size()) {
      if (const int error = judged(move_l1(std::move(entries), size)); error != 0) return error;
    } else {
      std::array<u8, sizeof(u64)> field{};
      store_be(field.data(), size);
      if (const int error = turn_header(kSize, field); error != 0) return error;
      header_.size = size;
    }
  }
  const u64 below = backing_ == nullptr ? 0 : std::min(size, backing_->size());
  const u64 from = old_size + rest;
  return below > from ? write_zeroes(from, below - from, true) : 0;
}

int Image::shrink(u64 size) {
  const u64 old_size = header_.size;
  const u64 first = header_.to_clusters(size) << header_.cluster_bits;
  // Once the header has the new size, nothing behind it is reached.
  const Unique lock(mutex_);
  if (const int error = clear_behind_disk(); error != 0) return error;
  for (u64 at = first; at < old_size;) {
    const u64 in_table = covered_by_l2() - (at & (covered_by_l2() - 1));
    const u64 clusters = header_.to_clusters(std::min(old_size - at, in_table));
    if ((l1_[l1_index(at)] & kOffsetMask) != 0) {
      Table* l2 = nullptr;
      if (const int error = judged(own_l2(at, l2)); error != 0) return error;
      for (u64 i = 0; i < clusters; ++i) {
        drop_use(entry(*l2, l2_index(at) + i));
        set_entry(*l2, l2_index(at) + i, 0);
      }
    }
    at += in_table;
  }
  if (const int error = bring_down(true); error != 0) return error;
  std::vector<u64> entries = l1_;
  entries.resize(header_.l1_entries(size));
  const std::vector<u64> dropped(l1_.begin() + static_cast<std::ptrdiff_t>(entries.size()),
                                 l1_.end());
  if (const int error = judged(move_l1(std::move(entries), size)); error != 0) return error;
  for (const u64 l1 : dropped)
    if ((l1 & kOffsetMask) != 0)
      if (const int error = judged(give_back({(l1 & kOffsetMask) >> header_.cluster_bits, 1}));
          error != 0)
        return error;
  return bring_down(true);
}

int Image::make_empty() {
  const Unique lock(mutex_);
  if (const int error = begin_change(); error != 0) return error;
  if (const int error = bring_down(true); error != 0) return error;
  const std::vector<u64> old = l1_;
  if (const int error = judged(move_l1(std::vector<u64>(l1_.size()), header_.size)); error != 0)
    return error;
  if (const int error = judged(count_uses(old, false)); error != 0) return error;
  return bring_down(true);
}

int Image::set_backing_name(const std::string& file, const std::string& format) {
  const Unique lock(mutex_);
  if (const int error = bring_down(true); error != 0) return error;
  Header header = header_;
  header.backing_file = file;
  header.set_backing_format(format);
  std::vector<u8> bytes = pack_header(header);
  // What was there before is not taken for more of it.
  bytes.resize(header_.cluster_size());
  if (const int error = turn_header(0, bytes); error != 0) return error;
  header_ = header;
  return 0;
}

// --- snapshots ----------------------------------------------------------------------------------

int Image::read_l1_of(const StoredSnapshot& snapshot, std::vector<u64>& entries) {
  std::vector<u8> raw(u64{snapshot.l1_size} * sizeof(u64));
  const iovec piece{raw.data(), raw.size()};
  if (const int error = read_host(snapshot.l1_offset, {&piece, 1}); error != 0) return error;
  entries.resize(snapshot.l1_size);
  std::set<u64> tables;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    // Several tables lead there, as far as is known.
    entries[i] = load_be<u64>(raw.data() + i * sizeof(u64)) & ~kCopied;
    if (!is_l1_entry(header_, entries[i], file_clusters())) return kDamaged;
    if (entries[i] != 0 && !tables.insert(entries[i]).second) return kDamaged;
  }
  return 0;
}

int Image::count_uses(const std::vector<u64>& l1, bool more) {
  const auto count = [this, more](const Clusters& used) {
    if (more) return refcounts_.add(used.first, used.count);
    return give_back(used);
  };
  std::vector<u8> raw(header_.cluster_size());
  for (const u64 entry_of_l1 : l1) {
    const u64 offset = entry_of_l1 & kOffsetMask;
    if (offset == 0) continue;
    const iovec piece{raw.data(), raw.size()};
    if (const int error = read_host(offset, {&piece, 1}); error != 0) return error;
    const u64 end = file_clusters();
    for (std::size_t at = 0; at < raw.size(); at += sizeof(u64)) {
      const u64 l2 = load_be<u64>(raw.data() + at);
      if (l2 == 0) continue;
      if (!is_l2_entry(header_, l2, end)) return kDamaged;
      if (const int error = count(used_by(header_, l2)); error != 0) return error;
    }
    if (const int error = count({offset >> header_.cluster_bits, 1}); error != 0) return error;
    refcounts_.trim();
  }
  return 0;
}

int Image::find_uses(const std::vector<u64>& l1, UseCounts& uses) {
  std::vector<u8> raw(header_.cluster_size());
  const u64 end = file_clusters();
  for (const u64 entry_of_l1 : l1) {
    const u64 offset = entry_of_l1 & kOffsetMask;
    if (offset == 0) continue;
    uses.add(offset >> header_.cluster_bits);
    const iovec piece{raw.data(), raw.size()};
    if (const int error = read_host(offset, {&piece, 1}); error != 0) return error;
    for (std::size_t at = 0; at < raw.size(); at += sizeof(u64)) {
      const u64 l2 = load_be<u64>(raw.data() + at);
      if (l2 == 0) continue;
      if (!is_l2_entry(header_, l2, end)) return kDamaged;
      const Clusters used = used_by(header_, l2);
      for (u64 i = 0; i < used.count; ++i) uses.add(used.first + i);
    }
  }
  return 0;
}

int Image::judge(const StoredSnapshot& snapshot) {
  UseCounts uses;
  const auto add = [&](u64 offset, u64 clusters) {
    for (u64 i = 0; i < clusters; ++i) uses.add((offset >> header_.cluster_bits) + i);
  };
  const auto add_table = [&](u64 offset, u64 entries) {
    add(offset, header_.to_clusters(entries * sizeof(u64)));
  };
  add(0, 1);
  add(header_.refcount_table_offset, header_.refcount_table_clusters);
  for (const u64 block : refcounts_.blocks()) add(block, block != 0 ? 1 : 0);
  u64 table_bytes = 0;
  for (const StoredSnapshot& each : read_snapshots(file_, header_, table_bytes))
    add_table(each.l1_offset, each.l1_size);
  add(header_.snapshots_offset, header_.to_clusters(table_bytes));
  add_table(header_.l1_table_offset, header_.l1_size);
  std::vector<u64> entries;
  int error = read_l1_of(snapshot, entries);
  if (error == 0) error = find_uses(entries, uses);
  if (error == 0) error = find_uses(l1_, uses);
  for (const auto& [first, page] : uses.pages()) {
    for (u64 i = 0; i < page.size() && error == 0; ++i) {
      if (page[i] == 0) continue;
      u64 count = 0;
      error = refcounts_.count(first * UseCounts::kInPage + i, count);
      if (error == 0 && count < page[i]) error = kDamaged;
    }
    refcounts_.trim();
  }
  if (error != kDamaged) return error;
  throw damaged(file_, fmt::format("snapshot '{}' leads to what it cannot use, and stays as it is",
                                   snapshot.about.name));
}

// Has every entry say whether what it leads to is used once. Goes down with bring_down().
int Image::update_copied() {
  const auto is_single = [this](u64 offset, bool& single) {
    u64 count = 0;
    const int error = refcounts_.count(offset >> header_.cluster_bits, count);
    single = count == 1;
    return error;
  };
  for (std::size_t i = 0; i < l1_.size(); ++i) {
    const u64 offset = l1_[i] & kOffsetMask;
    if (offset == 0) continue;
    bool single = false;
    if (const int error = is_single(offset, single); error != 0) return error;
    if (single != ((l1_[i] & kCopied) != 0)) set_l1(i, offset | (single ? kCopied : 0));
    if (const int error = make_room_in_memory(); error != 0) return error;
    Table* l2 = nullptr;
    if (const int error = l2_.load(offset, l2); error != 0) return error;
    for (u64 index = 0; index < u64{1} << header_.l2_bits(); ++index) {
      const u64 old = entry(*l2, index);
      if ((old & kCompressed) != 0 || (old & kOffsetMask) == 0) continue;
      if (const int error = is_single(old & kOffsetMask, single); error != 0) return error;
      const u64 now = (old & ~kCopied) | (single ? kCopied : 0);
      if (now != old) set_entry(*l2, index, now);
    }
  }
  return 0;
}

// Has the header lead to a new table of snapshots, and gives the old one back.
int Image::store_snapshots(std::vector<StoredSnapshot> snapshots) {
  const std::vector<u8> table = pack_snapshots(snapshots);
  Clusters old{header_.snapshots_offset >> header_.cluster_bits, 0};
  if (header_.snapshots != 0) {
    u64 old_bytes = 0;
    read_snapshots(file_, header_, old_bytes);
    old.count = header_.to_clusters(old_bytes);
  }
  u64 offset = 0;
  if (!table.empty()) {
    u64 first = 0;
    if (const int error = refcounts_.allocate_together(header_.to_clusters(table.size()), first);
        error != 0)
      return error;
    offset = first << header_.cluster_bits;
    if (const int error = file_.write(offset, table.data(), table.size()); error != 0) return error;
  }
  if (const int error = refcounts_.write_dirty(true); error != 0) return error;
  std::array<u8, sizeof(u32) + sizeof(u64)> fields{};
  store_be(fields.data(), static_cast<u32>(snapshots.size()));
  store_be(fields.data() + sizeof(u32), offset);
  if (const int error = turn_header(kNbSnapshots, fields); error != 0) return error;
  header_.snapshots = static_cast<u32>(snapshots.size());
  header_.snapshots_offset = offset;
  snapshots_ = std::move(snapshots);
  if (const int error = give_back(old); error != 0) return error;
  return 0;
}

// Many counts change, and with them what is marked as used once. Whoever is stopped in between
// leaves an image that says so, and is put right when it is opened the next time.
int Image::mark_in_change(bool on) {
  if (header_.version < 3 || header_.has(kDirty)) return 0;
  std::array<u8, sizeof(u64)> bits{};
  store_be(bits.data(), header_.incompatible_features | (on ? u64{kDirty} : u64{0}));
  return write_header_fields(kIncompatibleFeatures, bits);
}

int Image::reshape(const std::function<int()>& expect, const std::function<int()>& work) {
  const Unique lock(mutex_);
  if (const int error = begin_change(); error != 0) return error;
  if (const int error = bring_down(true); error != 0) return error;
  if (const int error = expect(); error != 0) return error;
  if (const int error = mark_in_change(true); error != 0) return error;
  if (const int error = work(); error != 0) return error;
  return mark_in_change(false);
}

int Image::create_snapshot(const StoredSnapshot& described) {
  return reshape([] { return 0; }, [&] { return add_snapshot(described); });
}

int Image::apply_snapshot(const StoredSnapshot& snapshot) {
  return reshape([&] { return judge(snapshot); }, [&] { return go_back_to(snapshot); });
}

int Image::delete_snapshot(const StoredSnapshot& snapshot) {
  return reshape([&] { return judge(snapshot); }, [&] { return drop_snapshot(snapshot); });
}

int Image::add_snapshot(const StoredSnapshot& described) {
  if (described.about.vm_state_size == 0)
    if (const int error = clear_behind_disk(); error != 0) return error;
  StoredSnapshot snapshot = described;
  snapshot.l1_size = header_.l1_size;
  std::vector<u8> raw(u64{header_.l1_size} * sizeof(u64));
  for (std::size_t i = 0; i < l1_.size(); ++i)
    store_be(raw.data() + i * sizeof(u64), l1_[i] & ~kCopied);
  u64 first = 0;
  if (!raw.empty()) {
    if (const int error =
            judged(refcounts_.allocate_together(header_.to_clusters(raw.size()), first));
        error != 0)
      return error;
    snapshot.l1_offset = first << header_.cluster_bits;
    if (const int error = file_.write(snapshot.l1_offset, raw.data(), raw.size()); error != 0)
      return error;
  }
  if (const int error = judged(count_uses(l1_, true)); error != 0) {
    // Those that were counted are counted too often: room is lost, but every entry is true.
    if (update_copied() == 0) bring_down(true);
    return error;
  }
  if (const int error = judged(update_copied()); error != 0) return error;
  if (const int error = bring_down(true); error != 0) return error;
  std::vector<StoredSnapshot> all = snapshots_;
  all.push_back(std::move(snapshot));
  if (const int error = judged(store_snapshots(std::move(all))); error != 0) return error;
  // The snapshot alone has it from now on.
  if (const int error = clear_behind_disk(); error != 0) return error;
  return bring_down(true);
}

int Image::go_back_to(const StoredSnapshot& snapshot) {
  std::vector<u64> entries;
  if (const int error = judged(read_l1_of(snapshot, entries)); error != 0) return error;
  // The state of a machine stays where it is.
  entries.resize(header_.l1_entries(snapshot.about.disk_size));
  if (const int error = judged(count_uses(entries, true)); error != 0) {
    // Those that were counted are counted too often: room is lost, but every entry is true.
    if (update_copied() == 0) bring_down(true);
    return error;
  }
  if (const int error = refcounts_.write_dirty(true); error != 0) return error;
  const std::vector<u64> old = l1_;
  if (const int error = judged(move_l1(std::move(entries), snapshot.about.disk_size)); error != 0)
    return error;
  if (const int error = judged(count_uses(old, false)); error != 0) return error;
  if (const int error = judged(update_copied()); error != 0) return error;
  return bring_down(true);
}

int Image::drop_snapshot(const StoredSnapshot& snapshot) {
  const StoredSnapshot gone = snapshot;
  std::vector<u64> entries;
  if (const int error = judged(read_l1_of(gone, entries)); error != 0) return error;
  std::vector<StoredSnapshot> all = snapshots_;
  std::erase_if(all, [&](const auto& other) { return other.about.id == gone.about.id; });
  if (const int error = judged(store_snapshots(std::move(all))); error != 0) return error;
  if (const int error = judged(count_uses(entries, false)); error != 0) return error;
  const u64 first = gone.l1_offset >> header_.cluster_bits;
  const u64 clusters = header_.to_clusters(u64{gone.l1_size} * sizeof(u64));
  if (const int error = judged(give_back({first, clusters})); error != 0) return error;
  if (const int error = judged(update_copied()); error != 0) return error;
  return bring_down(true);
}

}  // namespace backplane::qcow2
