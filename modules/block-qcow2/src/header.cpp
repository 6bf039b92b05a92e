// SPDX-License-Identifier: MIT
#include "header.h"

#include <algorithm>

#include "backplane/error.h"
#include "big_endian.h"

namespace backplane::qcow2 {

namespace {

// More than any image needs; what is larger is damaged, or made to use up memory.
constexpr u64 kMaxL1Bytes = 32_MiB;
constexpr u64 kMaxRefcountTableBytes = 64_MiB;

constexpr const char* kMakesPlain = "qemu-img convert -O qcow2 makes a plain image of it";

class Reader {
 public:
  explicit Reader(BlockNode& file) : file_(file) {}

  Header read(bool for_writing);

 private:
  template <class T>
  T get(unsigned field) const {
    return load_be<T>(bytes_.data() + field);
  }
  Error unusable(const std::string& what) const {
    return Error(file_.where() + " " + what, kMakesPlain);
  }
  Error damaged(const std::string& what) const {
    return Error(file_.where() + " is damaged: " + what, "qemu-img check tells more");
  }
  void check_kind(bool for_writing) const;
  void check_features(bool for_writing) const;
  void check_tables(const Header& header) const;
  // Whether a table of that many bytes lies in whole clusters, beyond the header and in the file.
  bool is_place(const Header& header, u64 offset, u64 bytes) const;

  BlockNode& file_;
  std::array<u8, kHeaderSizeV3> bytes_{};
};

void Reader::check_kind(bool for_writing) const {
  if (get<u64>(kBackingFileOffset) != 0)
    throw unusable("has a backing file, which is not supported");
  if (get<u32>(kCryptMethod) != 0) throw unusable("is encrypted, which is not supported");
  if (for_writing && get<u32>(kNbSnapshots) != 0)
    throw Error(file_.where() + " has snapshots: it can only be read",
                "read-only=on opens it for reading");
}

void Reader::check_features(bool for_writing) const {
  const u64 features = get<u64>(kIncompatibleFeatures);
  if ((features & kExternalDataFile) != 0)
    throw unusable("has its data in another file, which is not supported");
  if ((features & kCompressionType) != 0) throw unusable("is compressed, which is not supported");
  if ((features & kExtendedL2) != 0) throw unusable("has subclusters, which are not supported");
  if (const u64 others = features & ~u64{kDirty | kCorrupt}; others != 0)
    throw Error(fmt::format("{} needs features that are not known here: bits {:#x}", file_.where(),
                            others));
  if (!for_writing) return;
  const auto repairs = [this](const char* what) {
    return Error(fmt::format("{} is marked {}: it can only be read", file_.where(), what),
                 fmt::format("qemu-img check -r all {} repairs it", file_.where()));
  };
  if ((features & kCorrupt) != 0) throw repairs("corrupt");
  if ((features & kDirty) != 0) throw repairs("dirty, since it was not closed");
}

bool Reader::is_place(const Header& header, u64 offset, u64 bytes) const {
  const u64 end = header.to_clusters(file_.size()) << header.cluster_bits;
  return offset % header.cluster_size() == 0 && offset != 0 && offset < end &&
         bytes <= end - offset;
}

void Reader::check_tables(const Header& header) const {
  const u64 covered_by_l2 = u64{1} << (header.cluster_bits + header.l2_bits());
  const u64 l1_needed = header.size / covered_by_l2 + (header.size % covered_by_l2 != 0);
  const u64 l1_bytes = u64{header.l1_size} * sizeof(u64);
  if (header.size >> 62 != 0 || l1_needed > header.l1_size)
    throw damaged(fmt::format("its L1 table of {} entries is too small for {} bytes",
                              header.l1_size, header.size));
  if (l1_bytes > kMaxL1Bytes)
    throw damaged(fmt::format("its L1 table would have {} entries", header.l1_size));
  if (header.l1_size != 0 && !is_place(header, header.l1_table_offset, l1_bytes))
    throw damaged(fmt::format("no L1 table can be at {:#x}", header.l1_table_offset));
  const u64 refcount_bytes = u64{header.refcount_table_clusters} << header.cluster_bits;
  if (refcount_bytes == 0 || refcount_bytes > kMaxRefcountTableBytes ||
      !is_place(header, header.refcount_table_offset, refcount_bytes))
    throw damaged(fmt::format("no refcount table of {} clusters can be at {:#x}",
                              header.refcount_table_clusters, header.refcount_table_offset));
}

Header Reader::read(bool for_writing) {
  const u64 there = std::min<u64>(file_.size(), bytes_.size());
  if (const int error = file_.read(0, bytes_.data(), there); error != 0)
    throw Error(file_.explain(error));
  if (there < kHeaderSizeV2 || get<u32>(kMagicField) != kMagic)
    throw Error(file_.where() + " is no qcow2 image", "format=raw uses a file as it is");
  Header header;
  header.version = get<u32>(kVersion);
  if (header.version != 2 && header.version != 3)
    throw Error(
        fmt::format("{} is of version {} of qcow2: expects 2 or 3", file_.where(), header.version));
  header.cluster_bits = get<u32>(kClusterBits);
  if (header.cluster_bits < kMinClusterBits || header.cluster_bits > kMaxClusterBits)
    throw damaged(fmt::format("its clusters would have 2^{} bytes", header.cluster_bits));
  header.size = get<u64>(kSize);
  header.l1_size = get<u32>(kL1Size);
  header.l1_table_offset = get<u64>(kL1TableOffset);
  header.refcount_table_offset = get<u64>(kRefcountTableOffset);
  header.refcount_table_clusters = get<u32>(kRefcountTableClusters);
  check_kind(for_writing);
  if (header.version == 3) {
    const u32 length = get<u32>(kHeaderLength);
    if (there < kHeaderSizeV3 || length < kHeaderSizeV3 || length > header.cluster_size())
      throw damaged(fmt::format("its header would have {} bytes", length));
    check_features(for_writing);
    header.autoclear_features = get<u64>(kAutoclearFeatures);
    header.refcount_order = get<u32>(kRefcountOrder);
    if (header.refcount_order > kMaxRefcountOrder)
      throw damaged(fmt::format("its refcounts would have 2^{} bits", header.refcount_order));
  }
  check_tables(header);
  return header;
}

}  // namespace

Header read_header(BlockNode& file, bool for_writing) { return Reader(file).read(for_writing); }

}  // namespace backplane::qcow2
