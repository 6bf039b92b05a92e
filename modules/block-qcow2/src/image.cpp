// SPDX-License-Identifier: MIT
#include "image.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "backplane/error.h"
#include "big_endian.h"

namespace backplane::qcow2 {

namespace {

constexpr u64 kCacheBytes = 16_MiB;
constexpr u64 kEntriesInSector = kSectorSize / sizeof(u64);

alignas(4096) u8 zeroes[64_KiB];  // writing only reads from it

u64 entry(const Table& table, u64 index) {
  return load_be<u64>(table.bytes.data() + index * sizeof(u64));
}

void set_entry(Table& table, u64 index, u64 value) {
  store_be(table.bytes.data() + index * sizeof(u64), value);
  table.dirty = true;
}

// The part of a list of buffers that follows the first `from` bytes.
std::vector<iovec> part_of(std::span<const iovec> iov, u64 from, u64 size) {
  std::vector<iovec> part;
  for (const iovec& piece : iov) {
    if (size == 0) break;
    if (from >= piece.iov_len) {
      from -= piece.iov_len;
      continue;
    }
    const u64 length = std::min<u64>(piece.iov_len - from, size);
    part.push_back({static_cast<u8*>(piece.iov_base) + from, length});
    size -= length;
    from = 0;
  }
  return part;
}

u64 total_of(std::span<const iovec> iov) {
  u64 size = 0;
  for (const iovec& piece : iov) size += piece.iov_len;
  return size;
}

void clear(std::span<const iovec> iov) {
  for (const iovec& piece : iov) std::memset(piece.iov_base, 0, piece.iov_len);
}

void append_zeroes(std::vector<iovec>& iov, u64 size) {
  for (; size != 0; size -= iov.back().iov_len)
    iov.push_back({zeroes, std::min<u64>(size, sizeof zeroes)});
}

Error damaged(const BlockNode& file, const std::string& what) {
  return Error(file.where() + " is damaged: " + what, "qemu-img check tells more");
}

}  // namespace

Image::Image(BlockNode& file, bool for_writing)
    : file_(file),
      header_(read_header(file, for_writing)),
      l2_(file, header_.cluster_size(), kCacheBytes),
      refcounts_(file, header_) {
  read_l1();
  std::set<u64> seen;
  for (const u64 l1 : l1_) {
    const u64 offset = l1 & kOffsetMask;
    if (offset == 0) continue;
    if (!seen.insert(offset).second && for_writing)
      throw damaged(file_, fmt::format("the L2 table at {:#x} is used twice", offset));
    check_l2(offset);
  }
  if (!for_writing) return;
  refcounts_.open();
  // The last cluster need not be whole in the file, and is written as others are.
  file_.grow(header_.to_clusters(file_.size()) << header_.cluster_bits);
  // Of what these features say, nothing is kept true here.
  if (header_.autoclear_features != 0) {
    const u8 none[sizeof(u64)] = {};
    if (const int error = file_.write(kAutoclearFeatures, none, sizeof none); error != 0)
      throw Error(file_.explain(error));
  }
}

void Image::read_l1() {
  std::vector<u8> raw(u64{header_.l1_size} * sizeof(u64));
  const iovec piece{raw.data(), raw.size()};
  if (const int error = read_host(header_.l1_table_offset, {&piece, 1}); error != 0)
    throw Error(file_.explain(error));
  const u64 end = header_.to_clusters(file_.size()) << header_.cluster_bits;
  for (u64 i = 0; i < header_.l1_size; ++i) {
    const u64 l1 = load_be<u64>(raw.data() + i * sizeof(u64));
    const u64 offset = l1 & kOffsetMask;
    if ((l1 & kL1Reserved) != 0 || within(offset) != 0 || offset >= end)
      throw damaged(file_, fmt::format("entry {} of its L1 table is {:#x}", i, l1));
    l1_.push_back(l1);
  }
  l1_dirty_.resize((l1_.size() + kEntriesInSector - 1) / kEntriesInSector);
}

void Image::check_l2(u64 l2_offset) {
  std::vector<u8> raw(header_.cluster_size());
  const iovec piece{raw.data(), raw.size()};
  if (const int error = read_host(l2_offset, {&piece, 1}); error != 0)
    throw Error(file_.explain(error));
  const u64 end = header_.to_clusters(file_.size()) << header_.cluster_bits;
  const u64 allowed = kOffsetMask | kCopied | (header_.version >= 3 ? u64{kReadsAsZeroes} : u64{0});
  for (std::size_t at = 0; at < raw.size(); at += sizeof(u64)) {
    const u64 l2 = load_be<u64>(raw.data() + at);
    if ((l2 & kCompressed) != 0)
      throw Error(file_.where() + " has compressed clusters, which are not supported",
                  "qemu-img convert -O qcow2 makes a plain image of it");
    const u64 offset = l2 & kOffsetMask;
    if ((l2 & ~allowed) != 0 || within(offset) != 0 || offset >= end)
      throw damaged(file_, fmt::format("entry {} of its L2 table at {:#x} is {:#x}",
                                       at / sizeof(u64), l2_offset, l2));
  }
}

int Image::grow(u64 size) {
  if (size <= header_.size) return 0;
  const u64 entries = size / covered_by_l2() + (size % covered_by_l2() != 0);
  const u64 table_bytes = u64{header_.l1_size} * sizeof(u64);
  const u64 room = (header_.to_clusters(table_bytes) << header_.cluster_bits) / sizeof(u64);
  if (entries > room) return -ENOTSUP;
  // What may be in the last cluster was never seen.
  if (const u64 in_last = within(header_.size); in_last != 0) {
    const u64 rest = std::min(size - header_.size, header_.cluster_size() - in_last);
    if (const int error = write_zeroes(header_.size, rest, false); error != 0) return error;
  }
  const Unique lock(mutex_);
  // Entries before there are more of them, and all of the header in one piece.
  const std::vector<u8> none((entries - std::min<u64>(entries, header_.l1_size)) * sizeof(u64));
  if (!none.empty())
    if (const int error =
            file_.write(header_.l1_table_offset + table_bytes, none.data(), none.size());
        error != 0)
      return error;
  if (const int error = file_.flush(); error != 0) return error;
  const u32 l1_size = std::max(header_.l1_size, static_cast<u32>(entries));
  std::array<u8, kL1TableOffset - kSize> fields{};  // no encryption lies between them
  store_be(fields.data(), size);
  store_be(fields.data() + (kL1Size - kSize), l1_size);
  if (const int error = file_.write(kSize, fields.data(), fields.size()); error != 0) return error;
  if (const int error = file_.flush(); error != 0) return error;
  header_.size = size;
  header_.l1_size = l1_size;
  l1_.resize(l1_size);
  l1_dirty_.resize((l1_.size() + kEntriesInSector - 1) / kEntriesInSector);
  return 0;
}

bool Image::find(u64 offset, u64 size, Run& run) const {
  const u64 l2_offset = l1_[l1_index(offset)] & kOffsetMask;
  run = {};
  run.length = std::min(size, covered_by_l2() - (offset & (covered_by_l2() - 1)));
  if (l2_offset == 0) return true;
  const Table* const l2 = l2_.find(l2_offset);
  if (l2 == nullptr) return false;
  const auto is_stored = [](u64 l2) {
    return (l2 & kOffsetMask) != 0 && (l2 & kReadsAsZeroes) == 0;
  };
  u64 index = l2_index(offset);
  const u64 first = entry(*l2, index);
  run.stored = is_stored(first);
  run.own = (first & kCopied) != 0;
  run.host = (first & kOffsetMask) + within(offset);
  const u64 most = run.length;
  run.length = std::min(most, header_.cluster_size() - within(offset));
  while (run.length < most) {
    const u64 next = entry(*l2, ++index);
    if (is_stored(next) != run.stored) break;
    if (run.stored &&
        ((next & kOffsetMask) != run.host + run.length || ((next & kCopied) != 0) != run.own))
      break;
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
  const bool full = l2_.trim();
  if (!refcounts_.trim() && !full) return 0;
  const int error = bring_down(true);
  l2_.trim();
  refcounts_.trim();
  return error;
}

int Image::read_host(u64 offset, std::span<const iovec> iov) {
  const u64 size = total_of(iov);
  const u64 end = file_.size();
  const u64 there = offset < end ? std::min(size, end - offset) : 0;
  if (there != size) clear(part_of(iov, there, size - there));
  return there == 0 ? 0 : file_.read(offset, part_of(iov, 0, there));
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
    const std::vector<iovec> part = part_of(iov, done, run.length);
    if (!run.stored)
      clear(part);
    else if (const int error = read_host(run.host, part); error != 0)
      return error;
    done += run.length;
  }
  return 0;
}

int Image::write(u64 offset, std::span<const iovec> iov) {
  const u64 size = total_of(iov);
  for (u64 done = 0; done < size;) {
    {
      const std::shared_lock lock(mutex_);
      Run run;
      if (find(offset + done, size - done, run) && run.stored && run.own) {
        if (run.host + run.length > file_.size()) return -EIO;
        if (const int error = file_.write(run.host, part_of(iov, done, run.length)); error != 0)
          return error;
        done += run.length;
        continue;
      }
    }
    const Unique lock(mutex_);
    u64 written = 0;
    if (const int error = write_new(offset + done, size - done, iov, done, written); error != 0)
      return error;
    done += written;
  }
  return 0;
}

int Image::own_l2(u64 offset, Table*& l2) {
  if (const int error = make_room_in_memory(); error != 0) return error;
  u64& l1 = l1_[l1_index(offset)];
  const u64 l2_offset = l1 & kOffsetMask;
  const auto set_l1 = [&](u64 value) {
    l1 = value;
    l1_dirty_[l1_index(offset) / kEntriesInSector] = true;
  };
  if (l2_offset == 0) {
    u64 cluster = 0;
    u64 got = 0;
    if (const int error = refcounts_.allocate(1, cluster, got); error != 0) return error;
    l2 = &l2_.add(cluster << header_.cluster_bits);
    set_l1(cluster << header_.cluster_bits | kCopied);
    return 0;
  }
  if ((l1 & kCopied) == 0) {
    u64 count = 0;
    if (const int error = refcounts_.count(l2_offset >> header_.cluster_bits, count); error != 0)
      return error;
    if (count != 1) return -EIO;  // Without snapshots, nothing is used twice.
    set_l1(l2_offset | kCopied);
  }
  return l2_.load(l2_offset, l2);
}

// Writes into the cluster at `offset`, and those after it that have no place either.
int Image::write_new(u64 offset, u64 size, std::span<const iovec> iov, u64 from, u64& written) {
  Table* l2 = nullptr;
  if (const int error = own_l2(offset, l2); error != 0) return error;
  const u64 index = l2_index(offset);
  const u64 head = within(offset);
  const u64 old = entry(*l2, index);
  u64 clusters = 1;
  u64 first = (old & kOffsetMask) >> header_.cluster_bits;
  const u64 file_end = file_.size();
  if (first != 0) {
    if ((old & kCopied) == 0) {
      u64 count = 0;
      if (const int error = refcounts_.count(first, count); error != 0) return error;
      if (count != 1) return -EIO;
      set_entry(*l2, index, old | kCopied);
    }
    // Somebody else was here, or it can be written in place from now on.
    if ((old & kReadsAsZeroes) == 0) return 0;
  } else {
    const u64 last =
        std::min(header_.to_clusters(head + size), (u64{1} << header_.l2_bits()) - index);
    while (clusters < last && (entry(*l2, index + clusters) & kOffsetMask) == 0) ++clusters;
    u64 got = 0;
    if (const int error = refcounts_.allocate(clusters, first, got); error != 0) return error;
    clusters = got;
  }
  const u64 host = first << header_.cluster_bits;
  const u64 bytes = std::min(size, (clusters << header_.cluster_bits) - head);
  const int error =
      write_clusters(host, clusters, head, part_of(iov, from, bytes), bytes, host >= file_end);
  if (error != 0) {
    if ((old & kOffsetMask) == 0) refcounts_.give_back(first, clusters);
    return error;
  }
  for (u64 i = 0; i < clusters; ++i)
    set_entry(*l2, index + i, (first + i) << header_.cluster_bits | kCopied);
  written = bytes;
  return 0;
}

// fresh: the file has just become so long, and there are zeroes.
int Image::write_clusters(u64 host, u64 clusters, u64 head, std::span<const iovec> data, u64 size,
                          bool fresh) {
  if (fresh) return file_.write(host + head, data);
  std::vector<iovec> all;
  append_zeroes(all, head);
  all.insert(all.end(), data.begin(), data.end());
  append_zeroes(all, (clusters << header_.cluster_bits) - head - size);
  return file_.write(host, all);
}

int Image::drop_clusters(u64 offset, u64 clusters, bool keep_place) {
  if ((l1_[l1_index(offset)] & kOffsetMask) == 0) return 0;
  Table* l2 = nullptr;
  if (const int error = own_l2(offset, l2); error != 0) return error;
  for (u64 i = 0; i < clusters; ++i) {
    const u64 index = l2_index(offset) + i;
    const u64 old = entry(*l2, index);
    const u64 host = old & kOffsetMask;
    if (old == 0 || (keep_place && (old & kReadsAsZeroes) != 0)) continue;
    if (keep_place && host != 0) {
      set_entry(*l2, index, old | kReadsAsZeroes);
      continue;
    }
    set_entry(*l2, index, 0);
    if (host != 0) freed_.push_back({host >> header_.cluster_bits, 1});
  }
  return 0;
}

int Image::discard(u64 offset, u64 size) {
  const u64 end = offset + size;
  u64 at = header_.to_clusters(offset) << header_.cluster_bits;
  // The last cluster of the disk need not be whole.
  const u64 last =
      end == header_.size ? header_.to_clusters(end) << header_.cluster_bits : end - within(end);
  while (at < last) {
    const Unique lock(mutex_);
    const u64 step = std::min(last - at, covered_by_l2() - (at & (covered_by_l2() - 1)));
    if (const int error = drop_clusters(at, step >> header_.cluster_bits, false); error != 0)
      return error;
    at += step;
  }
  return 0;
}

int Image::write_zeroes(u64 offset, u64 size, bool may_unmap) {
  const u64 end = offset + size;
  while (offset < end) {
    const u64 whole = (end - offset) >> header_.cluster_bits;
    // In version 2, only what has no place reads as zeroes without being written.
    if (within(offset) == 0 && whole != 0 && (may_unmap || header_.version >= 3)) {
      const Unique lock(mutex_);
      const u64 clusters = std::min(whole, (u64{1} << header_.l2_bits()) - l2_index(offset));
      if (const int error = drop_clusters(offset, clusters, !may_unmap); error != 0) return error;
      offset += clusters << header_.cluster_bits;
      continue;
    }
    const u64 step = std::min(end - offset, header_.cluster_size() - within(offset));
    Run run;
    bool found;
    {
      const std::shared_lock lock(mutex_);
      found = find(offset, step, run);
    }
    if (!found) {
      if (const int error = load(offset); error != 0) return error;
      continue;
    }
    if (run.stored) {
      std::vector<iovec> nothing;
      append_zeroes(nothing, run.length);
      if (const int error = write(offset, nothing); error != 0) return error;
    }
    offset += run.length;
  }
  return 0;
}

int Image::flush(bool wait) {
  const Unique lock(mutex_);
  return bring_down(wait);
}

int Image::bring_down(bool wait) {
  const auto barrier = [&] { return wait ? file_.flush() : 0; };
  if (const int error = refcounts_.write_dirty(); error != 0) return error;
  const bool l1_dirty = std::find(l1_dirty_.begin(), l1_dirty_.end(), true) != l1_dirty_.end();
  if (l2_.has_dirty() || l1_dirty) {
    if (const int error = barrier(); error != 0) return error;
    if (const int error = l2_.write_dirty(); error != 0) return error;
  }
  if (l1_dirty) {
    if (const int error = barrier(); error != 0) return error;
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
  }
  if (const int error = barrier(); error != 0) return error;
  if (freed_.empty()) return 0;
  // Nothing in the file uses these any more. If their counts do not reach it, room is lost.
  for (const Freed& freed : std::exchange(freed_, {})) {
    if (const int error = refcounts_.give_back(freed.first, freed.clusters); error != 0)
      return error;
    file_.discard(freed.first << header_.cluster_bits, freed.clusters << header_.cluster_bits);
  }
  return refcounts_.write_dirty();
}

}  // namespace backplane::qcow2
