// SPDX-License-Identifier: MIT
// The state of a machine, which is stored as the disk's content is, at offsets behind its end:
// those of the first entry of the L1 table that the disk has no use for. [qcow2 "Snapshots"]
#include <algorithm>
#include <cerrno>

#include "buffers.h"
#include "image.h"

namespace backplane::qcow2 {

namespace {

// The disk as it is now may be sound, though a snapshot's state is not.
int read_error(int error) { return error == kDamaged ? -EIO : error; }

}  // namespace

int Image::make_room_behind_disk(u64 end) {
  const u64 needed = header_.l1_entries(end);
  if (needed <= l1_.size()) return 0;
  if (const int error = begin_change(); error != 0) return error;
  if (const int error = bring_down(true); error != 0) return error;
  std::vector<u64> entries = l1_;
  // Seldom: all of the table moves.
  entries.resize(std::max<u64>(needed, std::min<u64>(2 * l1_.size(), kMaxL1Bytes / sizeof(u64))));
  return judged(move_l1(std::move(entries), header_.size));
}

int Image::write_vm_state(u64 offset, std::span<const u8> bytes) {
  const u64 begin = header_.vm_state_begin(header_.size);
  if (offset > kMostVmState || bytes.size() > kMostVmState - offset || begin >> 62 != 0)
    return -EFBIG;
  {
    const Unique lock(mutex_);
    if (const int error = make_room_behind_disk(begin + offset + bytes.size()); error != 0)
      return error;
  }
  const iovec piece{const_cast<u8*>(bytes.data()), bytes.size()};  // writing only reads from it
  return write(begin + offset, {&piece, 1});
}

int Image::drop_vm_state() {
  const Unique lock(mutex_);
  return clear_behind_disk();
}

// What leads to it need not be in the file yet, and is not written any more: it may be that the
// host has no room.
int Image::clear_behind_disk() {
  const auto first = l1_.begin() + static_cast<std::ptrdiff_t>(header_.l1_entries(header_.size));
  if (std::all_of(first, l1_.end(), [](u64 l1) { return l1 == 0; })) return 0;
  if (const int error = begin_change(); error != 0) return error;
  for (auto l1 = first; l1 != l1_.end(); ++l1) {
    const u64 offset = *l1 & kOffsetMask;
    if (offset == 0) continue;
    l2_.trim();
    Table* table = nullptr;
    if (const int error = l2_.load(offset, table); error != 0) return error;
    for (u64 index = 0; index < u64{1} << header_.l2_bits(); ++index) {
      const u64 l2 = entry(*table, index);
      if (!is_l2_entry(header_, l2, file_clusters())) return judged(kDamaged);
      drop_use(l2);
    }
    ++freed_clusters_;
    freed_.push_back({offset >> header_.cluster_bits, 1});
    l2_.forget(offset);
    set_l1(static_cast<u64>(l1 - l1_.begin()), 0);
  }
  return bring_down(true);
}

int Image::read_vm_state(const StoredSnapshot& snapshot, u64 offset, std::span<u8> bytes) {
  const u64 begin = header_.vm_state_begin(snapshot.about.disk_size);
  const Unique lock(mutex_);
  std::vector<u64> entries;
  if (const int error = read_l1_of(snapshot, entries); error != 0) return read_error(error);
  for (u64 done = 0; done < bytes.size();) {
    const u64 at = begin + offset + done;
    const u64 length = std::min(bytes.size() - done, header_.cluster_size() - within(at));
    const iovec piece{bytes.data() + done, length};
    u64 l2 = 0;
    if (const u64 table = l1_index(at) < entries.size() ? entries[l1_index(at)] : 0; table != 0) {
      if (const int error = make_room_in_memory(); error != 0) return error;
      Table* loaded = nullptr;
      if (const int error = l2_.load(table & kOffsetMask, loaded); error != 0) return error;
      l2 = entry(*loaded, l2_index(at));
    }
    // Nothing was looked at when the image was opened: that is done for the disk as it is now.
    if (!is_l2_entry(header_, l2, file_clusters())) return read_error(kDamaged);
    Run run{.place = place_of(l2), .own = false, .host = 0, .length = length, .compressed = l2};
    run.host = (l2 & kOffsetMask) + within(at);
    if (run.place == Place::Nowhere) run.place = Place::Zeroes;
    if (const int error = read_run(run, at, {&piece, 1}); error != 0) return error;
    done += length;
  }
  return 0;
}

}  // namespace backplane::qcow2
