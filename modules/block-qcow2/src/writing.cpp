// SPDX-License-Identifier: MIT
// What changes the content of the disk.
#include <algorithm>
#include <cerrno>

#include "buffers.h"
#include "image.h"

namespace backplane::qcow2 {

int Image::write(u64 offset, std::span<const iovec> iov) {
  const u64 size = total_of(iov);
  for (u64 done = 0; done < size;) {
    {
      const std::shared_lock lock(mutex_);
      Run run;
      if (find(offset + done, size - done, run) && run.place == Place::Stored && run.own) {
        if (broken_ || run.host + run.length > file_.size()) return -EIO;
        if (const int error = file_.write(run.host, part_of(iov, done, run.length)); error != 0)
          return error;
        done += run.length;
        continue;
      }
    }
    const Unique lock(mutex_);
    u64 written = 0;
    if (const int error = judged(write_new(offset + done, size - done, iov, done, written));
        error != 0)
      return error;
    done += written;
  }
  return 0;
}

// The L2 table for that offset, loaded, and nobody else's.
int Image::own_l2(u64 offset, Table*& l2) {
  if (const int error = begin_change(); error != 0) return error;
  if (const int error = make_room_in_memory(); error != 0) return error;
  const u64 index = l1_index(offset);
  const u64 l2_offset = l1_[index] & kOffsetMask;
  if (l2_offset != 0 && (l1_[index] & kCopied) != 0) return l2_.load(l2_offset, l2);
  const Table* shared = nullptr;
  if (l2_offset != 0) {
    u64 count = 0;
    if (const int error = refcounts_.count(l2_offset >> header_.cluster_bits, count); error != 0)
      return error;
    if (count == 0) return kDamaged;
    if (count == 1) {
      set_l1(index, l2_offset | kCopied);
      return l2_.load(l2_offset, l2);
    }
    Table* loaded = nullptr;
    if (const int error = l2_.load(l2_offset, loaded); error != 0) return error;
    shared = loaded;
  }
  u64 cluster = 0;
  u64 got = 0;
  if (const int error = refcounts_.allocate(1, cluster, got); error != 0) return error;
  l2 = &l2_.add(cluster << header_.cluster_bits);
  if (shared != nullptr) {
    l2->bytes = shared->bytes;
    ++freed_clusters_;
    freed_.push_back({l2_offset >> header_.cluster_bits, 1});
  }
  set_l1(index, cluster << header_.cluster_bits | kCopied);
  return 0;
}

int Image::read_old(u64 offset, std::vector<u8>& bytes) {
  for (u64 done = 0; done < bytes.size();) {
    Run run;
    const u64 at = offset + done;
    // The table is there: it is about to be changed.
    if (!find(at, bytes.size() - done, run)) return -EIO;
    const iovec piece{bytes.data() + done, run.length};
    if (const int error = read_run(run, at, {&piece, 1}); error != 0) return error;
    done += run.length;
  }
  return 0;
}

int Image::place_new(Table& l2, u64 index, u64 wanted, Clusters& got) {
  const u64 most = std::min(wanted, (u64{1} << header_.l2_bits()) - index);
  const auto has_place = [](u64 l2_entry) {
    return (l2_entry & kCompressed) == 0 && (l2_entry & kOffsetMask) != 0 &&
           (l2_entry & kCopied) != 0;
  };
  u64 clusters = 1;
  while (clusters < most && !has_place(entry(l2, index + clusters))) ++clusters;
  return refcounts_.allocate(clusters, got.first, got.count);
}

// Writes into the cluster at `offset`, and those after it that cannot be written in place either.
int Image::write_new(u64 offset, u64 size, std::span<const iovec> iov, u64 from, u64& written) {
  Table* l2 = nullptr;
  if (const int error = own_l2(offset, l2); error != 0) return error;
  const u64 index = l2_index(offset);
  const u64 old = entry(*l2, index);
  const bool has_room = (old & kCompressed) == 0 && (old & kOffsetMask) != 0;
  Clusters place{(old & kOffsetMask) >> header_.cluster_bits, 1};
  bool own = false;
  if (has_room) {
    u64 count = 0;
    if (const int error = refcounts_.count(place.first, count); error != 0) return error;
    if (count == 0) return kDamaged;
    own = count == 1;
    if (own && (old & kCopied) == 0) set_entry(*l2, index, old | kCopied);
    // Somebody else was here, or it can be written in place from now on.
    if (own && place_of(old) == Place::Stored) return 0;
  }
  const u64 file_end = file_.size();
  if (!own) {
    const u64 clusters = header_.to_clusters(within(offset) + size);
    if (const int error = place_new(*l2, index, clusters, place); error != 0) return error;
  }
  const u64 head = within(offset);
  const u64 host = place.first << header_.cluster_bits;
  const u64 room = place.count << header_.cluster_bits;
  const u64 bytes = std::min(size, room - head);
  const bool last_is_blank =
      place_of(entry(*l2, index + place.count - 1)) == Place::Zeroes ||
      (place_of(entry(*l2, index + place.count - 1)) == Place::Nowhere && backing_ == nullptr);
  const bool first_is_blank =
      place_of(old) == Place::Zeroes || (place_of(old) == Place::Nowhere && backing_ == nullptr);
  int error = 0;
  if (host >= file_end && first_is_blank && last_is_blank) {
    // The file has just become so long, and there are zeroes.
    error = file_.write(host + head, part_of(iov, from, bytes));
  } else {
    std::vector<u8> before(head);
    std::vector<u8> after(room - head - bytes);
    std::vector<iovec> all;
    error = read_old(offset - head, before);
    if (error == 0) error = read_old(offset + bytes, after);
    all.push_back({before.data(), before.size()});
    const std::vector<iovec> data = part_of(iov, from, bytes);
    all.insert(all.end(), data.begin(), data.end());
    all.push_back({after.data(), after.size()});
    if (error == 0) error = file_.write(host, all);
  }
  if (error != 0) {
    if (!own) refcounts_.give_back(place.first, place.count);
    return error;
  }
  for (u64 i = 0; i < place.count; ++i) {
    if (!own) drop_use(entry(*l2, index + i));
    set_entry(*l2, index + i, (place.first + i) << header_.cluster_bits | kCopied);
  }
  written = bytes;
  return 0;
}

void Image::drop_use(u64 l2) {
  const Clusters used = used_by(header_, l2);
  if (used.count == 0) return;
  freed_clusters_ += used.count;
  if (!freed_.empty() && freed_.back().first + freed_.back().count == used.first)
    freed_.back().count += used.count;
  else
    freed_.push_back(used);
}

int Image::write_compressed(u64 offset, std::span<const u8> data) {
  if (within(offset) != 0 || data.size() > header_.cluster_size()) return -EINVAL;
  std::vector<u8> whole;
  std::span<const u8> cluster = data;
  if (data.size() != header_.cluster_size()) {
    whole.assign(data.begin(), data.end());
    whole.resize(header_.cluster_size());
    cluster = whole;
  }
  std::vector<u8> packed;
  if (const int error = codec_.pack(cluster, packed); error != 0) return error;
  if (packed.empty()) {
    const iovec piece{const_cast<u8*>(data.data()), data.size()};  // writing only reads from it
    return write(offset, {&piece, 1});
  }
  const Unique lock(mutex_);
  return judged(store_packed(offset, packed));
}

int Image::store_packed(u64 offset, std::span<const u8> packed) {
  Table* l2 = nullptr;
  if (const int error = own_l2(offset, l2); error != 0) return error;
  u64 host = 0;
  if (const int error = place_packed(packed.size(), host); error != 0) return error;
  if (const int error = file_.write(host, packed.data(), packed.size()); error != 0) return error;
  {
    // The same place may have had something else.
    const std::lock_guard lock(unpacked_mutex_);
    unpacked_entry_ = 0;
  }
  const u64 index = l2_index(offset);
  drop_use(entry(*l2, index));
  set_entry(*l2, index, compressed_entry(header_, host, packed.size()));
  return 0;
}

// Room behind the one before, if it fits there or goes on in the next cluster of the file.
int Image::place_packed(u64 size, u64& host) {
  const u64 cluster_size = header_.cluster_size();
  const u64 left = within(packed_end_) == 0 ? 0 : cluster_size - within(packed_end_);
  u64 count = 0;
  if (left != 0)
    if (const int error = refcounts_.count(packed_end_ >> header_.cluster_bits, count); error != 0)
      return error;
  const bool goes_on = left != 0 && count != 0 && count < header_.most_references();
  u64 first = 0;
  u64 got = 0;
  if (!goes_on || size > left) {
    if (const int error = refcounts_.allocate(1, first, got); error != 0) return error;
  }
  const bool follows = first == (packed_end_ >> header_.cluster_bits) + 1;
  if (goes_on && (size <= left || follows)) {
    host = packed_end_;
    if (const int error = refcounts_.add(host >> header_.cluster_bits, 1); error != 0) return error;
  } else {
    host = first << header_.cluster_bits;
  }
  packed_end_ = host + size;
  return 0;
}

bool Image::zeroes_need_no_writing(bool may_unmap) const {
  // In version 2, only what has no place and nothing below it reads as zeroes.
  return header_.version >= 3 || (may_unmap && backing_ == nullptr);
}

int Image::drop_clusters(u64 offset, u64 clusters, Drop how) {
  if (const int error = expect_usable(); error != 0) return error;
  const bool shows_below = backing_ != nullptr;
  if ((l1_[l1_index(offset)] & kOffsetMask) == 0 && !shows_below) return 0;
  Table* l2 = nullptr;
  if (const int error = own_l2(offset, l2); error != 0) return error;
  for (u64 i = 0; i < clusters; ++i) {
    const u64 index = l2_index(offset) + i;
    const u64 old = entry(*l2, index);
    if (old == 0 && !shows_below) continue;
    if (how == Drop::KeepPlace && place_of(old) == Place::Zeroes) continue;
    const bool own = (old & kCompressed) == 0 && (old & kOffsetMask) != 0 && (old & kCopied) != 0;
    if (how == Drop::KeepPlace && own) {
      set_entry(*l2, index, old | kReadsAsZeroes);
      continue;
    }
    // What lies below must not come to light again.
    set_entry(*l2, index, shows_below ? kReadsAsZeroes : 0);
    drop_use(old);
  }
  return 0;
}

int Image::discard(u64 offset, u64 size) {
  if (!zeroes_need_no_writing(true)) return 0;
  const u64 end = offset + size;
  u64 at = header_.to_clusters(offset) << header_.cluster_bits;
  // The last cluster of the disk need not be whole.
  const u64 last =
      end == header_.size ? header_.to_clusters(end) << header_.cluster_bits : end - within(end);
  while (at < last) {
    const Unique lock(mutex_);
    const u64 step = std::min(last - at, covered_by_l2() - (at & (covered_by_l2() - 1)));
    if (const int error = judged(drop_clusters(at, step >> header_.cluster_bits, Drop::Discard));
        error != 0)
      return error;
    at += step;
  }
  return 0;
}

int Image::write_zeroes(u64 offset, u64 size, bool may_unmap) {
  const u64 end = offset + size;
  while (offset < end) {
    // The last cluster of the disk need not be whole.
    const u64 whole = end == header_.size ? header_.to_clusters(end - offset)
                                          : (end - offset) >> header_.cluster_bits;
    if (within(offset) == 0 && whole != 0 && zeroes_need_no_writing(may_unmap)) {
      const Unique lock(mutex_);
      const u64 clusters = std::min(whole, (u64{1} << header_.l2_bits()) - l2_index(offset));
      const Drop how = may_unmap ? Drop::Zeroes : Drop::KeepPlace;
      if (const int error = judged(drop_clusters(offset, clusters, how)); error != 0) return error;
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
    const bool reads_as_zeroes =
        run.place == Place::Zeroes || (run.place == Place::Nowhere && backing_ == nullptr);
    if (!reads_as_zeroes) {
      std::vector<iovec> nothing;
      append_zeroes(nothing, run.length);
      if (const int error = write(offset, nothing); error != 0) return error;
    }
    offset += run.length;
  }
  return 0;
}

}  // namespace backplane::qcow2
