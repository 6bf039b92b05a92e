// SPDX-License-Identifier: MIT
// image-qcow2: how images are made.
#include <bit>

#include "backplane/error.h"
#include "backplane/image.h"
#include "backplane/property.h"
#include "big_endian.h"
#include "check.h"
#include "compression.h"
#include "make.h"

namespace backplane {

namespace qcow2 {
namespace {

enum class Compat { V2, V3 };

}  // namespace
}  // namespace qcow2

template <>
struct EnumNames<qcow2::Compat> {
  static constexpr EnumName<qcow2::Compat> kNames[] = {{qcow2::Compat::V2, "0.10"},
                                                       {qcow2::Compat::V3, "1.1"},
                                                       {qcow2::Compat::V2, "v2", true},
                                                       {qcow2::Compat::V3, "v3", true}};
};
template <>
struct EnumNames<qcow2::Compression> {
  static constexpr EnumName<qcow2::Compression> kNames[] = {{qcow2::Compression::Zlib, "zlib"},
                                                            {qcow2::Compression::Zstd, "zstd"}};
};

namespace qcow2 {
namespace {

class Qcow2Format final : public ImageFormat {
 public:
  static void class_init(ObjectClass& k) {
    k.stateless();
    k.property<&Qcow2Format::compat_>("compat", "version of the format");
    k.property<&Qcow2Format::cluster_size_>("cluster_size",
                                            "bytes that are stored together, a power of two");
    k.property<&Qcow2Format::lazy_refcounts_>("lazy_refcounts",
                                              "refcounts are written when the image is closed");
    k.property<&Qcow2Format::refcount_bits_>("refcount_bits",
                                             "width of a refcount, a power of two up to 64");
    k.property<&Qcow2Format::compression_type_>("compression_type", "how clusters are compressed");
    k.property<&Qcow2Format::preallocation_>("preallocation", "room that is set aside");
  }

  bool begins_like_one(std::span<const u8> start) const override {
    return start.size() >= kHeaderSizeV2 && load_be<u32>(start.data()) == kMagic;
  }
  void make(BlockNode& file, const NewImage& image) override;
  std::optional<CheckReport> check(BlockNode& file, Repair repair) override {
    return check_image(file, repair);
  }
  u64 cluster_size() const override { return header_for(0).cluster_size(); }
  ImageMeasure measure(u64 size, u64 clusters) const override;

 private:
  Header header_for(u64 size) const;

  Compat compat_ = Compat::V3;
  Size cluster_size_{64_KiB};
  bool lazy_refcounts_ = false;
  u16 refcount_bits_ = 16;
  Compression compression_type_ = Compression::Zlib;
  Preallocation preallocation_ = Preallocation::Off;
};

Header Qcow2Format::header_for(u64 size) const {
  if (!std::has_single_bit(cluster_size_.bytes) ||
      cluster_size_.bytes < u64{1} << kMinClusterBits ||
      cluster_size_.bytes > u64{1} << kMaxClusterBits)
    throw Error::of("cluster_size={}: expects a power of two from 512 to 2M", cluster_size_.bytes);
  if (!std::has_single_bit(refcount_bits_) || refcount_bits_ > 64)
    throw Error::of("refcount_bits={}: expects a power of two from 1 to 64", refcount_bits_);
  if (size % kSectorSize != 0 || size >> 62 != 0)
    throw Error::of("size={}: expects a multiple of {}", size, kSectorSize);
  Header header;
  header.cluster_bits = static_cast<unsigned>(std::countr_zero(cluster_size_.bytes));
  header.refcount_order = static_cast<unsigned>(std::countr_zero(refcount_bits_));
  header.size = size;
  header.compression = compression_type_;
  if (compat_ == Compat::V2) {
    if (refcount_bits_ != 16 || lazy_refcounts_ || compression_type_ != Compression::Zlib)
      throw Error("compat=0.10: has refcounts of 16 bits, none that are lazy, and zlib alone",
                  "compat=1.1 has all of them");
    header.version = 2;
  }
  if (lazy_refcounts_) header.compatible_features |= kLazyRefcounts;
  if (compression_type_ != Compression::Zlib) header.incompatible_features |= kCompressionType;
  return header;
}

void Qcow2Format::make(BlockNode& file, const NewImage& image) {
  Header header = header_for(image.size);
  if (!image.backing_file.empty()) {
    if (preallocation_ == Preallocation::Falloc || preallocation_ == Preallocation::Full ||
        preallocation_ == Preallocation::Metadata)
      throw Error("preallocation: an image that stands on another one begins without data",
                  "preallocation=off");
    header.backing_file = image.backing_file;
    header.set_backing_format(image.backing_format);
  }
  Codec(compression_type_).expect_usable();
  make_image(file, std::move(header), preallocation_);
}

ImageMeasure Qcow2Format::measure(u64 size, u64 clusters) const {
  const Header header = header_for(size);
  const u64 all = header.to_clusters(size);
  const u64 end = layout_of(header, header.l1_entries(size), all).end << header.cluster_bits;
  return {.required = end - ((all - std::min(all, clusters)) << header.cluster_bits),
          .fully_allocated = end};
}

BACKPLANE_TYPE(Qcow2Format, "image-qcow2", .description = "QEMU's format: takes room as it is used")

}  // namespace
}  // namespace qcow2

}  // namespace backplane
