// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include "backplane/image.h"

namespace backplane {

int set_aside(BlockNode& file, u64 offset, u64 size, Preallocation how) {
  if (how != Preallocation::Full) return file.write_zeroes(offset, size, false);
  const std::vector<u8> zeroes(std::min<u64>(size, 1_MiB));
  for (u64 done = 0; done < size; done += zeroes.size())
    if (const int error =
            file.write(offset + done, zeroes.data(), std::min<u64>(size - done, zeroes.size()));
        error != 0)
      return error;
  return 0;
}

int extent_of(BlockNode& node, u64 offset, u64 size, Extent& extent) {
  if (auto* const mapped = dynamic_cast<MappedNode*>(&node))
    return mapped->extent(offset, size, extent);
  extent = {.size = size, .host = offset};
  return 0;
}

std::unique_ptr<ImageFormat> create_image_format(std::string_view name) {
  return create_object<ImageFormat>(class_of_kind(kImageFormatKind, name).name);
}

std::string format_of_start(std::span<const u8> start) {
  for (const CatalogueEntry& entry : catalogue(kImageFormatKind)) {
    if (!entry.type.unavailable.empty()) continue;
    if (create_image_format(entry.name)->begins_like_one(start)) return entry.name;
  }
  return "raw";
}

BACKPLANE_REGISTER_ABSTRACT(ImageFormat)

namespace {

// Makes raw images: the bytes of the file are the bytes of the disk.
class RawFormat final : public ImageFormat {
 public:
  static void class_init(ObjectClass& k) {
    k.stateless();
    k.property<&RawFormat::preallocation_>("preallocation", "room that is set aside");
  }

  // Any file is one, so none is recognised.
  bool begins_like_one(std::span<const u8>) const override { return false; }

  void make(BlockNode& file, const NewImage& image) override {
    if (!image.backing_file.empty())
      throw Error("a raw image cannot stand on another one", "-f qcow2 makes one that can");
    if (preallocation_ == Preallocation::Metadata)
      throw Error("preallocation=metadata: a raw image has none", "it can be off, falloc or full");
    int error = file.grow(image.size);
    if (error == 0 && preallocation_ != Preallocation::Off)
      error = set_aside(file, 0, image.size, preallocation_);
    if (error != 0) throw Error(file.explain(error));
  }
  std::optional<CheckReport> check(BlockNode&, Repair) override { return std::nullopt; }
  u64 cluster_size() const override { return kSectorSize; }
  ImageMeasure measure(u64 size, u64) const override {
    return {.required = size, .fully_allocated = size};
  }

 private:
  Preallocation preallocation_ = Preallocation::Off;
};

BACKPLANE_TYPE(RawFormat, "image-raw", .description = "The bytes of the disk as they are")

}  // namespace

}  // namespace backplane
