// SPDX-License-Identifier: MIT
#include "header.h"

#include <algorithm>

#include "big_endian.h"

namespace backplane::qcow2 {

namespace {

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
  Error wrong(const std::string& what) const { return damaged(file_, what); }
  void check_features(bool for_writing) const;
  void check_tables(const Header& header) const;
  u32 read_version_3(Header& header, bool for_writing);
  void read_extensions(Header& header, u64 from, u64 end);
  void read_backing_file(Header& header);
  // Whether a table of that many bytes lies in whole clusters, beyond the header and in the file.
  bool is_place(const Header& header, u64 offset, u64 bytes) const;

  BlockNode& file_;
  u64 there_ = 0;          // bytes of the first cluster that the file has
  std::vector<u8> bytes_;  // of the first cluster, as long as the file has them, then zeroes
};

void Reader::check_features(bool for_writing) const {
  const u64 features = get<u64>(kIncompatibleFeatures);
  if ((features & kExternalDataFile) != 0)
    throw unusable("has its data in another file, which is not supported");
  if ((features & kExtendedL2) != 0) throw unusable("has subclusters, which are not supported");
  if (const u64 others = features & ~u64{kDirty | kCorrupt | kCompressionType}; others != 0)
    throw Error(fmt::format("{} needs features that are not known here: bits {:#x}", file_.where(),
                            others));
  if (for_writing && (features & kCorrupt) != 0)
    throw Error(fmt::format("{} is marked corrupt: it can only be read", file_.where()),
                fmt::format("backplane-img check -r all {} repairs it", file_.where()));
}

bool Reader::is_place(const Header& header, u64 offset, u64 bytes) const {
  const u64 end = header.to_clusters(file_.size()) << header.cluster_bits;
  return offset % header.cluster_size() == 0 && offset != 0 && offset < end &&
         bytes <= end - offset;
}

void Reader::check_tables(const Header& header) const {
  const u64 l1_bytes = u64{header.l1_size} * sizeof(u64);
  if (header.size >> 62 != 0 || header.l1_entries(header.size) > header.l1_size)
    throw wrong(fmt::format("its L1 table of {} entries is too small for {} bytes", header.l1_size,
                            header.size));
  if (l1_bytes > kMaxL1Bytes)
    throw wrong(fmt::format("its L1 table would have {} entries", header.l1_size));
  if (header.l1_size != 0 && !is_place(header, header.l1_table_offset, l1_bytes))
    throw wrong(fmt::format("no L1 table can be at {:#x}", header.l1_table_offset));
  const u64 refcount_bytes = u64{header.refcount_table_clusters} << header.cluster_bits;
  if (refcount_bytes == 0 || refcount_bytes > kMaxRefcountTableBytes ||
      !is_place(header, header.refcount_table_offset, refcount_bytes))
    throw wrong(fmt::format("no refcount table of {} clusters can be at {:#x}",
                            header.refcount_table_clusters, header.refcount_table_offset));
  if (header.snapshots != 0 &&
      !is_place(header, header.snapshots_offset, u64{header.snapshots} * kSnapshotEntrySize))
    throw wrong(fmt::format("no table of {} snapshots can be at {:#x}", header.snapshots,
                            header.snapshots_offset));
}

// The length of the header.
u32 Reader::read_version_3(Header& header, bool for_writing) {
  const u32 length = get<u32>(kHeaderLength);
  if (there_ < kHeaderSizeV3 || length < kHeaderSizeV3 || length > header.cluster_size())
    throw wrong(fmt::format("its header would have {} bytes", length));
  check_features(for_writing);
  header.incompatible_features = get<u64>(kIncompatibleFeatures);
  header.compatible_features = get<u64>(kCompatibleFeatures);
  header.autoclear_features = get<u64>(kAutoclearFeatures);
  header.refcount_order = get<u32>(kRefcountOrder);
  if (header.refcount_order > kMaxRefcountOrder)
    throw wrong(fmt::format("its refcounts would have 2^{} bits", header.refcount_order));
  const u8 compression = length > kCompressionTypeField ? bytes_[kCompressionTypeField] : u8{0};
  if ((compression != 0) != header.has(kCompressionType))
    throw wrong("its header contradicts itself about compression");
  if (compression > static_cast<u8>(Compression::Zstd))
    throw Error(fmt::format("{} is compressed in a way that is not known here: {}", file_.where(),
                            compression));
  header.compression = static_cast<Compression>(compression);
  return length;
}

void Reader::read_extensions(Header& header, u64 from, u64 end) {
  constexpr u64 kHead = 2 * sizeof(u32);
  while (from + kHead <= end) {
    const u32 type = load_be<u32>(bytes_.data() + from);
    const u32 length = load_be<u32>(bytes_.data() + from + sizeof(u32));
    from += kHead;
    if (type == kEndOfExtensions) return;
    if (length > end - from)
      throw wrong(
          fmt::format("its header is followed by {} bytes where {} are", length, end - from));
    const u8* const data = bytes_.data() + from;
    header.extensions.push_back({type, {data, data + length}});
    from = std::min<u64>(end, (from + length + 7) & ~u64{7});
  }
}

void Reader::read_backing_file(Header& header) {
  const u64 offset = get<u64>(kBackingFileOffset);
  const u32 length = get<u32>(kBackingFileSize);
  if (offset == 0) return;
  if (length == 0 || length > kMaxBackingName || offset > there_ || length > there_ - offset)
    throw wrong(fmt::format("no name of {} bytes can be at {:#x}", length, offset));
  header.backing_file.assign(bytes_.begin() + static_cast<std::ptrdiff_t>(offset),
                             bytes_.begin() + static_cast<std::ptrdiff_t>(offset + length));
  if (header.backing_file.find('\0') != std::string::npos)
    throw wrong("the name of its backing file has a zero byte");
}

Header Reader::read(bool for_writing) {
  bytes_.resize(kHeaderSizeWithCompression);
  there_ = std::min<u64>(file_.size(), bytes_.size());
  if (const int error = file_.read(0, bytes_.data(), there_); error != 0)
    throw Error(file_.explain(error));
  if (there_ < kHeaderSizeV2 || get<u32>(kMagicField) != kMagic)
    throw Error(file_.where() + " is no qcow2 image", "format=raw uses a file as it is");
  Header header;
  header.version = get<u32>(kVersion);
  if (header.version != 2 && header.version != 3)
    throw Error(
        fmt::format("{} is of version {} of qcow2: expects 2 or 3", file_.where(), header.version));
  header.cluster_bits = get<u32>(kClusterBits);
  if (header.cluster_bits < kMinClusterBits || header.cluster_bits > kMaxClusterBits)
    throw wrong(fmt::format("its clusters would have 2^{} bytes", header.cluster_bits));
  bytes_.resize(header.cluster_size());
  there_ = std::min<u64>(file_.size(), bytes_.size());
  if (const int error = file_.read(0, bytes_.data(), there_); error != 0)
    throw Error(file_.explain(error));
  header.size = get<u64>(kSize);
  header.l1_size = get<u32>(kL1Size);
  header.l1_table_offset = get<u64>(kL1TableOffset);
  header.refcount_table_offset = get<u64>(kRefcountTableOffset);
  header.refcount_table_clusters = get<u32>(kRefcountTableClusters);
  header.snapshots = get<u32>(kNbSnapshots);
  header.snapshots_offset = get<u64>(kSnapshotsOffset);
  if (get<u32>(kCryptMethod) != 0) throw unusable("is encrypted, which is not supported");
  const u32 length = header.version == 3 ? read_version_3(header, for_writing) : kHeaderSizeV2;
  check_tables(header);
  const u64 name = get<u64>(kBackingFileOffset);
  read_extensions(header, length, name > length && name < there_ ? name : there_);
  read_backing_file(header);
  return header;
}

}  // namespace

Error damaged(const BlockNode& file, const std::string& what) {
  return Error(file.where() + " is damaged: " + what, "backplane-img check tells more");
}

Header read_header(BlockNode& file, bool for_writing) { return Reader(file).read(for_writing); }

std::string Header::backing_format() const {
  for (const HeaderExtension& extension : extensions)
    if (extension.type == kBackingFormat) return {extension.data.begin(), extension.data.end()};
  return "";
}

void Header::set_backing_format(const std::string& format) {
  std::erase_if(extensions, [](const auto& other) { return other.type == kBackingFormat; });
  if (!format.empty()) extensions.push_back({kBackingFormat, {format.begin(), format.end()}});
}

std::vector<u8> pack_header(const Header& header) {
  const bool is_v3 = header.version == 3;
  std::vector<u8> bytes(is_v3 ? kHeaderSizeWithCompression : kHeaderSizeV2);
  const auto put = [&bytes](unsigned field, auto value) { store_be(bytes.data() + field, value); };
  put(kMagicField, kMagic);
  put(kVersion, header.version);
  put(kClusterBits, u32{header.cluster_bits});
  put(kSize, header.size);
  put(kL1Size, header.l1_size);
  put(kL1TableOffset, header.l1_table_offset);
  put(kRefcountTableOffset, header.refcount_table_offset);
  put(kRefcountTableClusters, header.refcount_table_clusters);
  put(kNbSnapshots, header.snapshots);
  put(kSnapshotsOffset, header.snapshots_offset);
  if (is_v3) {
    put(kIncompatibleFeatures, header.incompatible_features);
    put(kCompatibleFeatures, header.compatible_features);
    put(kAutoclearFeatures, header.autoclear_features);
    put(kRefcountOrder, u32{header.refcount_order});
    put(kHeaderLength, u32{kHeaderSizeWithCompression});
    bytes[kCompressionTypeField] = static_cast<u8>(header.compression);
  }
  const auto append = [&bytes](u32 type, const std::vector<u8>& data) {
    u8 head[2 * sizeof(u32)];
    store_be(head, type);
    store_be(head + sizeof(u32), static_cast<u32>(data.size()));
    bytes.insert(bytes.end(), head, head + sizeof head);
    bytes.insert(bytes.end(), data.begin(), data.end());
    bytes.resize((bytes.size() + 7) & ~std::size_t{7});
  };
  for (const HeaderExtension& extension : header.extensions) append(extension.type, extension.data);
  append(kEndOfExtensions, {});
  if (!header.backing_file.empty()) {
    store_be(bytes.data() + kBackingFileOffset, u64{bytes.size()});
    store_be(bytes.data() + kBackingFileSize, static_cast<u32>(header.backing_file.size()));
    bytes.insert(bytes.end(), header.backing_file.begin(), header.backing_file.end());
  }
  if (bytes.size() > header.cluster_size() || header.backing_file.size() > kMaxBackingName)
    throw Error(fmt::format("the name of the backing file is too long: {} bytes",
                            header.backing_file.size()),
                "a relative one may be shorter");
  return bytes;
}

}  // namespace backplane::qcow2
