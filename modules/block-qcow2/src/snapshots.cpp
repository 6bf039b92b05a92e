// SPDX-License-Identifier: MIT
#include "snapshots.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "big_endian.h"

namespace backplane::qcow2 {

namespace {

// More than anybody has; what is more is damaged, or made to use up memory.
constexpr u32 kMostExtra = 1024;
constexpr u64 kMostTableBytes = 64_MiB;

class TableReader {
 public:
  TableReader(BlockNode& file, const Header& header)
      : file_(file), header_(header), at_(header.snapshots_offset) {}

  std::vector<StoredSnapshot> read() {
    if (header_.snapshots > kMostSnapshots)
      throw damaged(file_, fmt::format("it would have {} snapshots", header_.snapshots));
    std::vector<StoredSnapshot> snapshots;
    for (u32 i = 0; i < header_.snapshots; ++i) snapshots.push_back(read_one(i));
    return snapshots;
  }
  u64 bytes() const { return at_ - header_.snapshots_offset; }

 private:
  StoredSnapshot read_one(u32 number);
  void take(u8* to, u64 size) {
    if (size > file_.size() || at_ > file_.size() - size || bytes() + size > kMostTableBytes)
      throw damaged(file_, "its table of snapshots does not end");
    if (const int error = file_.read(at_, to, size); error != 0) throw Error(file_.explain(error));
    at_ += size;
  }

  BlockNode& file_;
  const Header& header_;
  u64 at_;
};

StoredSnapshot TableReader::read_one(u32 number) {
  std::array<u8, kSnapshotEntrySize> head{};
  take(head.data(), head.size());
  const auto get = [&head](unsigned field, auto kind) {
    return load_be<decltype(kind)>(head.data() + field);
  };
  StoredSnapshot snapshot;
  snapshot.l1_offset = get(kSnapshotL1Offset, u64{});
  snapshot.l1_size = get(kSnapshotL1Size, u32{});
  snapshot.about.seconds = get(kSnapshotSeconds, u32{});
  snapshot.about.nanoseconds = get(kSnapshotNanoseconds, u32{});
  snapshot.about.vm_clock = get(kSnapshotVmClock, u64{});
  snapshot.about.vm_state_size = get(kSnapshotVmStateSize, u32{});
  snapshot.about.disk_size = header_.size;
  const u32 extra_size = get(kSnapshotExtraSize, u32{});
  if (extra_size > kMostExtra)
    throw damaged(file_, fmt::format("snapshot {} has {} bytes of extra data", number, extra_size));
  std::vector<u8> extra(extra_size);
  take(extra.data(), extra.size());
  const auto has = [&extra](unsigned field) { return extra.size() >= field + sizeof(u64); };
  const auto extra_at = [&extra](unsigned field) { return load_be<u64>(extra.data() + field); };
  if (has(kExtraVmStateSize)) snapshot.about.vm_state_size = extra_at(kExtraVmStateSize);
  if (has(kExtraDiskSize)) snapshot.about.disk_size = extra_at(kExtraDiskSize);
  if (has(kExtraInstructions) && extra_at(kExtraInstructions) != ~u64{0})
    snapshot.about.instructions = extra_at(kExtraInstructions);
  if (extra.size() > kExtraDataSize)
    snapshot.further_extra.assign(extra.begin() + kExtraDataSize, extra.end());
  const auto take_text = [this](u16 size) {
    std::string text(size, '\0');
    take(reinterpret_cast<u8*>(text.data()), text.size());
    return text;
  };
  snapshot.about.id = take_text(get(kSnapshotIdSize, u16{}));
  snapshot.about.name = take_text(get(kSnapshotNameSize, u16{}));
  if (number + 1 != header_.snapshots) at_ = header_.snapshots_offset + ((bytes() + 7) & ~u64{7});

  const u64 l1_bytes = u64{snapshot.l1_size} * sizeof(u64);
  if (l1_bytes > kMaxL1Bytes || snapshot.l1_offset % header_.cluster_size() != 0 ||
      snapshot.l1_offset > file_.size() || l1_bytes > file_.size() - snapshot.l1_offset ||
      snapshot.about.disk_size >> 62 != 0 ||
      header_.l1_entries(snapshot.about.disk_size) > snapshot.l1_size)
    throw damaged(file_, fmt::format("snapshot {} has no L1 table of {} entries at {:#x}", number,
                                     snapshot.l1_size, snapshot.l1_offset));
  return snapshot;
}

}  // namespace

std::vector<StoredSnapshot> read_snapshots(BlockNode& file, const Header& header, u64& bytes) {
  TableReader reader(file, header);
  std::vector<StoredSnapshot> snapshots = reader.read();
  bytes = reader.bytes();
  return snapshots;
}

std::vector<u8> pack_snapshots(const std::vector<StoredSnapshot>& snapshots) {
  std::vector<u8> table;
  for (const StoredSnapshot& snapshot : snapshots) {
    table.resize((table.size() + 7) & ~std::size_t{7});
    const std::size_t begin = table.size();
    table.resize(begin + kSnapshotEntrySize + kExtraDataSize);
    u8* const head = table.data() + begin;
    const Snapshot& about = snapshot.about;
    store_be(head + kSnapshotL1Offset, snapshot.l1_offset);
    store_be(head + kSnapshotL1Size, snapshot.l1_size);
    store_be(head + kSnapshotIdSize, static_cast<u16>(about.id.size()));
    store_be(head + kSnapshotNameSize, static_cast<u16>(about.name.size()));
    store_be(head + kSnapshotSeconds, about.seconds);
    store_be(head + kSnapshotNanoseconds, about.nanoseconds);
    store_be(head + kSnapshotVmClock, about.vm_clock);
    // It is in the extra data, whatever its size.
    const bool fits = about.vm_state_size >> 32 == 0;
    store_be(head + kSnapshotVmStateSize, fits ? static_cast<u32>(about.vm_state_size) : 0U);
    store_be(head + kSnapshotExtraSize,
             static_cast<u32>(kExtraDataSize + snapshot.further_extra.size()));
    u8* const extra = head + kSnapshotEntrySize;
    store_be(extra + kExtraVmStateSize, about.vm_state_size);
    store_be(extra + kExtraDiskSize, about.disk_size);
    store_be(extra + kExtraInstructions, about.instructions.value_or(~u64{0}));
    table.insert(table.end(), snapshot.further_extra.begin(), snapshot.further_extra.end());
    table.insert(table.end(), about.id.begin(), about.id.end());
    table.insert(table.end(), about.name.begin(), about.name.end());
  }
  return table;
}

const StoredSnapshot* find_snapshot(const std::vector<StoredSnapshot>& snapshots,
                                    std::string_view name) {
  for (const StoredSnapshot& snapshot : snapshots)
    if (snapshot.about.id == name) return &snapshot;
  for (const StoredSnapshot& snapshot : snapshots)
    if (snapshot.about.name == name) return &snapshot;
  return nullptr;
}

std::string next_snapshot_id(const std::vector<StoredSnapshot>& snapshots) {
  u64 highest = 0;
  for (const StoredSnapshot& snapshot : snapshots) {
    u64 id = 0;
    const std::string& text = snapshot.about.id;
    std::from_chars(text.data(), text.data() + text.size(), id);
    highest = std::max(highest, id);
  }
  return std::to_string(highest + 1);
}

}  // namespace backplane::qcow2
