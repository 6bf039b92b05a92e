// SPDX-License-Identifier: MIT
// Opening an image, reading from it, and bringing down what is in memory.
#include "image.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <utility>

#include "backplane/error.h"
#include "backplane/log.h"
#include "buffers.h"
#include "check.h"

namespace backplane::qcow2 {

namespace {

constexpr u64 kCacheBytes = 16_MiB;
constexpr u64 kEntriesInSector = kSectorSize / sizeof(u64);
// Clusters of a file up to which it is seen whether one is used twice: 64 TiB of the usual ones.
constexpr u64 kMostSeen = u64{1} << 30;

// One that can be written has no counts that are behind.
Header readied_header(BlockNode& file, bool for_writing) {
  Header header = read_header(file, for_writing);
  if (!for_writing || !header.has(kDirty)) return header;
  const CheckReport report = check_image(file, Repair::All);
  if (report.corruptions != 0)
    throw damaged(file, "it was not closed, and cannot be repaired: " +
                            (report.findings.empty() ? "" : report.findings.front()));
  log::warn(file.where() + " was not closed: its refcounts were made anew");
  return read_header(file, for_writing);
}

}  // namespace

Image::Image(BlockNode& file, bool for_writing)
    : file_(file),
      header_(readied_header(file, for_writing)),
      l2_(file, header_.cluster_size(), kCacheBytes),
      refcounts_(
          file, header_,
          [this](unsigned field, std::span<const u8> bytes) { return turn_header(field, bytes); }),
      codec_(header_.compression) {
  codec_.expect_usable();
  u64 table_bytes = 0;
  snapshots_ = read_snapshots(file, header_, table_bytes);
  read_l1();
  if (for_writing) refcounts_.open();
  check_tables(for_writing);
  if (!for_writing) return;
  if (marks_are_old_)
    if (const int error = update_copied(); error != 0) throw Error(file_.explain(error));
  // The last cluster need not be whole in the file, and is written as others are.
  file_.grow(file_clusters() << header_.cluster_bits);
  // Of what these features say, nothing is kept true here.
  if (header_.autoclear_features != 0) {
    const u8 none[sizeof(u64)] = {};
    if (const int error = file_.write(kAutoclearFeatures, none, sizeof none); error != 0)
      throw Error(file_.explain(error));
    header_.autoclear_features = 0;
  }
}

void Image::read_l1() {
  std::vector<u8> raw(u64{header_.l1_size} * sizeof(u64));
  const iovec piece{raw.data(), raw.size()};
  if (const int error = read_host(header_.l1_table_offset, {&piece, 1}); error != 0)
    throw Error(file_.explain(error));
  for (u64 i = 0; i < header_.l1_size; ++i) {
    const u64 l1 = load_be<u64>(raw.data() + i * sizeof(u64));
    if (!is_l1_entry(header_, l1, file_clusters()))
      throw damaged(file_, fmt::format("entry {} of its L1 table is {:#x}", i, l1));
    l1_.push_back(l1);
  }
  resize_l1(l1_.size());
}

void Image::resize_l1(std::size_t entries) {
  l1_.resize(entries);
  l1_dirty_.resize((l1_.size() + kEntriesInSector - 1) / kEntriesInSector);
}

void Image::set_l1(u64 index, u64 value) {
  l1_[index] = value;
  l1_dirty_[index / kEntriesInSector] = true;
}

void Image::check_tables(bool for_writing) {
  std::vector<bool> seen;
  if (file_clusters() <= kMostSeen) seen.resize(file_clusters());
  const auto mark = [&](u64 offset, u64 clusters) {
    const u64 first = offset >> header_.cluster_bits;
    for (u64 i = first; i < std::min<u64>(first + clusters, seen.size()); ++i) seen[i] = true;
  };
  mark(0, 1);
  mark(header_.l1_table_offset, header_.to_clusters(u64{header_.l1_size} * sizeof(u64)));
  mark(header_.refcount_table_offset, header_.refcount_table_clusters);
  if (header_.snapshots != 0) mark(header_.snapshots_offset, 1);
  for (const StoredSnapshot& snapshot : snapshots_)
    mark(snapshot.l1_offset, header_.to_clusters(u64{snapshot.l1_size} * sizeof(u64)));
  for (const u64 block : refcounts_.blocks()) mark(block, block != 0 ? 1 : 0);
  // All tables first, since none of them may be data.
  for (const u64 l1 : l1_) {
    const u64 offset = l1 & kOffsetMask;
    if (offset == 0) continue;
    const u64 cluster = offset >> header_.cluster_bits;
    if (for_writing && cluster < seen.size() && seen[cluster])
      throw damaged(file_, fmt::format("the L2 table at {:#x} is used twice", offset));
    mark(offset, 1);
  }
  std::set<u64> checked;
  for (const u64 l1 : l1_) {
    const u64 offset = l1 & kOffsetMask;
    if (offset != 0 && checked.insert(offset).second) check_l2(l1, seen, for_writing);
  }
}

void Image::check_l2(u64 l1, std::vector<bool>& seen, bool for_writing) {
  const u64 l2_offset = l1 & kOffsetMask;
  std::vector<u8> raw(header_.cluster_size());
  const iovec piece{raw.data(), raw.size()};
  if (const int error = read_host(l2_offset, {&piece, 1}); error != 0)
    throw Error(file_.explain(error));
  const u64 end = file_clusters();
  // Version 2 cannot say that the image was being changed; then these marks may be old.
  const bool may_be_old = header_.version < 3;
  const auto expect_counted = [&](u64 cluster, bool can_be_marked, bool copied) {
    u64 count = 0;
    if (const int error = refcounts_.count(cluster, count); error != 0)
      throw Error(file_.explain(error));
    if (count == 0 || (copied && count != 1 && !may_be_old))
      throw damaged(file_, fmt::format("the cluster at {:#x} is counted {} times",
                                       cluster << header_.cluster_bits, count));
    marks_are_old_ = marks_are_old_ || (may_be_old && can_be_marked && copied != (count == 1));
  };
  if (for_writing)
    expect_counted(l2_offset >> header_.cluster_bits, true, may_be_old && (l1 & kCopied) != 0);
  for (std::size_t at = 0; at < raw.size(); at += sizeof(u64)) {
    const u64 l2 = load_be<u64>(raw.data() + at);
    if (l2 == 0) continue;
    if (!is_l2_entry(header_, l2, end))
      throw damaged(file_, fmt::format("entry {} of its L2 table at {:#x} is {:#x}",
                                       at / sizeof(u64), l2_offset, l2));
    const Clusters used = used_by(header_, l2);
    if (!for_writing || used.count == 0) continue;
    for (u64 cluster = used.first; cluster < used.first + used.count; ++cluster)
      expect_counted(cluster, (l2 & kCompressed) == 0, (l2 & kCopied) != 0);
    if ((l2 & kCompressed) != 0 || used.first >= seen.size()) continue;
    if (seen[used.first])
      throw damaged(file_, fmt::format("the cluster at {:#x} is used twice",
                                       used.first << header_.cluster_bits));
    seen[used.first] = true;
  }
  if (for_writing) refcounts_.trim();
}

bool Image::find(u64 offset, u64 size, Run& run) const {
  const u64 l2_offset = l1_[l1_index(offset)] & kOffsetMask;
  run = {};
  run.length = std::min(size, covered_by_l2() - (offset & (covered_by_l2() - 1)));
  if (l2_offset == 0) return true;
  const Table* const l2 = l2_.find(l2_offset);
  if (l2 == nullptr) return false;
  u64 index = l2_index(offset);
  const u64 first = entry(*l2, index);
  const u64 most = run.length;
  run.place = place_of(first);
  run.length = std::min(most, header_.cluster_size() - within(offset));
  if (run.place == Place::Compressed) {
    run.compressed = first;
    return true;
  }
  run.own = (first & kCopied) != 0;
  const bool has_room = (first & kOffsetMask) != 0;
  run.host = has_room ? (first & kOffsetMask) + within(offset) : 0;
  while (run.length < most) {
    const u64 next = entry(*l2, ++index);
    if (place_of(next) != run.place) break;
    const u64 host = next & kOffsetMask;
    if (has_room ? host != run.host + run.length : host != 0) break;
    if (((next & kCopied) != 0) != run.own) break;
    run.length = std::min(most, run.length + header_.cluster_size());
  }
  return true;
}

int Image::load(u64 offset) {
  const Unique lock(mutex_);
  if (const int error = make_room_in_memory(); error != 0) return error;
  Table* l2 = nullptr;
  const u64 l2_offset = l1_[l1_index(offset)] & kOffsetMask;
  return l2_offset == 0 ? 0 : l2_.load(l2_offset, l2);
}

int Image::make_room_in_memory() {
  // What is freed is used again before the file becomes much longer than the disk needs.
  constexpr u64 kMostFreed = 64_MiB;
  const bool full = l2_.trim();
  const bool much_freed = freed_clusters_ << header_.cluster_bits > kMostFreed;
  if (!refcounts_.trim() && !full && !much_freed) return 0;
  if (const int error = bring_down(true); error != 0) return error;
  l2_.trim();
  // Of an image with lazy refcounts, they are dirty still.
  return refcounts_.trim() ? refcounts_.write_dirty(true) : 0;
}

int Image::read_host(u64 offset, std::span<const iovec> iov) {
  const u64 size = total_of(iov);
  const u64 end = file_.size();
  const u64 there = offset < end ? std::min(size, end - offset) : 0;
  if (there != size) clear(part_of(iov, there, size - there));
  return there == 0 ? 0 : file_.read(offset, part_of(iov, 0, there));
}

int Image::read_backing(u64 offset, std::span<const iovec> iov) {
  const u64 size = total_of(iov);
  const u64 end = backing_ == nullptr ? 0 : backing_->size();
  const u64 there = offset < end ? std::min(size, end - offset) : 0;
  if (there != size) clear(part_of(iov, there, size - there));
  return there == 0 ? 0 : backing_->read(offset, part_of(iov, 0, there));
}

int Image::read_compressed(u64 l2, u64 within_cluster, std::span<const iovec> iov) {
  {
    const std::lock_guard lock(unpacked_mutex_);
    if (unpacked_entry_ == l2) {
      copy_to(iov, unpacked_.data() + within_cluster);
      return 0;
    }
  }
  const CompressedData data = compressed_data(header_, l2);
  std::vector<u8> packed(data.size);
  const iovec piece{packed.data(), packed.size()};
  if (const int error = read_host(data.host, {&piece, 1}); error != 0) return error;
  std::vector<u8> unpacked(header_.cluster_size());
  if (const int error = codec_.unpack(packed, unpacked); error != 0) return error;
  copy_to(iov, unpacked.data() + within_cluster);
  const std::lock_guard lock(unpacked_mutex_);
  unpacked_entry_ = l2;
  unpacked_ = std::move(unpacked);
  return 0;
}

int Image::read_run(const Run& run, u64 offset, std::span<const iovec> iov) {
  switch (run.place) {
    case Place::Stored:
      return read_host(run.host, iov);
    case Place::Compressed:
      return read_compressed(run.compressed, within(offset), iov);
    case Place::Nowhere:
      return read_backing(offset, iov);
    case Place::Zeroes:
      break;
  }
  clear(iov);
  return 0;
}

int Image::read(u64 offset, std::span<const iovec> iov) {
  const u64 size = total_of(iov);
  for (u64 done = 0; done < size;) {
    std::shared_lock lock(mutex_);
    Run run;
    if (!find(offset + done, size - done, run)) {
      lock.unlock();
      if (const int error = load(offset + done); error != 0) return error;
      continue;
    }
    if (const int error = read_run(run, offset + done, part_of(iov, done, run.length)); error != 0)
      return error;
    done += run.length;
  }
  return 0;
}

int Image::extent(u64 offset, u64 size, Extent& extent) {
  Run run;
  for (;;) {
    {
      const std::shared_lock lock(mutex_);
      if (find(offset, size, run)) break;
    }
    if (const int error = load(offset); error != 0) return error;
  }
  const bool stored = run.place == Place::Stored;
  extent = {.size = run.length,
            .present = run.place != Place::Nowhere,
            .zero = run.place == Place::Zeroes,
            .data = stored || run.place == Place::Compressed,
            .compressed = run.place == Place::Compressed};
  if (run.host != 0) extent.host = run.host;
  return 0;
}

int Image::judged(int error) {
  if (error != kDamaged) return error;
  if (!broken_.exchange(true))
    log::report(
        damaged(file_, "its refcounts contradict it; nothing more is written to it").line());
  return -EIO;
}

int Image::flush(bool wait) {
  const Unique lock(mutex_);
  return bring_down(wait);
}

int Image::close() {
  const Unique lock(mutex_);
  if (const int error = bring_down(true); error != 0) return error;
  if (!header_.has(kDirty)) return 0;
  if (const int error = refcounts_.write_dirty(true); error != 0) return error;
  if (const int error = file_.flush(); error != 0) return error;
  header_.incompatible_features &= ~u64{kDirty};
  return write_feature_bits();
}

int Image::begin_change() {
  if (broken_) return -EIO;
  if (!header_.lazy_refcounts() || header_.has(kDirty)) return 0;
  header_.incompatible_features |= kDirty;
  const int error = write_feature_bits();
  // The file may not say so: the next change has to.
  if (error != 0) header_.incompatible_features &= ~u64{kDirty};
  return error;
}

int Image::write_l1() {
  for (std::size_t sector = 0; sector < l1_dirty_.size(); ++sector) {
    if (!l1_dirty_[sector]) continue;
    const u64 first = sector * kEntriesInSector;
    const u64 count = std::min<u64>(kEntriesInSector, l1_.size() - first);
    u8 raw[kSectorSize];
    for (u64 i = 0; i < count; ++i) store_be(raw + i * sizeof(u64), l1_[first + i]);
    if (const int error =
            file_.write(header_.l1_table_offset + first * sizeof(u64), raw, count * sizeof(u64));
        error != 0)
      return error;
    l1_dirty_[sector] = false;
  }
  return 0;
}

int Image::give_back(const Clusters& clusters) {
  u64 free_from = clusters.first;  // those up to the one looked at are free
  const auto discard_up_to = [&](u64 cluster) {
    if (cluster != free_from)
      file_.discard(free_from << header_.cluster_bits, (cluster - free_from)
                                                           << header_.cluster_bits);
  };
  const u64 end = clusters.first + clusters.count;
  for (u64 cluster = clusters.first; cluster < end; ++cluster) {
    if (const int error = refcounts_.give_back(cluster, 1); error != 0) return error;
    u64 count = 0;
    if (const int error = refcounts_.count(cluster, count); error != 0) return error;
    if (count != 0) {
      discard_up_to(cluster);
      free_from = cluster + 1;
    } else if (packed_end_ >> header_.cluster_bits == cluster) {
      packed_end_ = 0;  // it may be anything from now on
    }
  }
  discard_up_to(end);
  return 0;
}

int Image::bring_down(bool wait) {
  if (broken_) return -EIO;
  const auto barrier = [&] { return wait ? file_.flush() : 0; };
  // While the image is marked dirty, what counts say is not relied on.
  const bool lazy = header_.has(kDirty);
  if (!lazy)
    if (const int error = refcounts_.write_dirty(wait); error != 0) return error;
  const bool l1_dirty = std::find(l1_dirty_.begin(), l1_dirty_.end(), true) != l1_dirty_.end();
  if (l2_.has_dirty() || l1_dirty) {
    if (const int error = barrier(); error != 0) return error;
    if (const int error = l2_.write_dirty(); error != 0) return error;
  }
  if (l1_dirty) {
    if (const int error = barrier(); error != 0) return error;
    if (const int error = write_l1(); error != 0) return error;
  }
  if (const int error = barrier(); error != 0) return error;
  // Nothing in the file uses these any more. If their counts do not reach it, room is lost.
  freed_clusters_ = 0;
  for (const Clusters& freed : std::exchange(freed_, {}))
    if (const int error = judged(give_back(freed)); error != 0) return error;
  return lazy ? 0 : refcounts_.write_dirty(wait);
}

}  // namespace backplane::qcow2
