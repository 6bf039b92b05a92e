// SPDX-License-Identifier: MIT
// block-qcow2: images that take only the room that was written to. [qcow2]
#include <cerrno>
#include <optional>

#include "backplane/block.h"
#include "image.h"

namespace backplane::qcow2 {

namespace {

class BlockQcow2 final : public BlockFormat {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&BlockQcow2::backing_>("backing", "empty (null in JSON): the image has none");
  }
  ~BlockQcow2() override {
    if (image_) flush();
  }

  u64 size() const override { return size_; }
  int grow(u64 size) override {
    if (size <= size_) return 0;
    if (!image_ || read_only()) return -ENOTSUP;
    if (const int error = image_->grow(size); error != 0) return error;
    size_ = size;
    return 0;
  }

 protected:
  void open_format() override {
    if (!backing_.empty()) throw Error("backing: images that stand on others are not supported");
    const bool for_writing = wants_read_only() != OnOffAuto::On;
    // Who writes it changes all but its size.
    if (for_writing && begins_elsewhere())
      size_ = read_header(below(), for_writing).size;
    else
      open_image(for_writing);
    expect_whole_sectors(*this);
  }
  void do_hand_over() override { image_.reset(); }
  void do_take_over() override { open_image(true); }
  int do_read(u64 offset, std::span<const iovec> iov) override { return image_->read(offset, iov); }
  int do_write(u64 offset, std::span<const iovec> iov) override {
    return image_->write(offset, iov);
  }
  int do_flush() override { return read_only() ? 0 : image_->flush(true); }
  int do_write_back() override { return read_only() ? 0 : image_->flush(false); }
  int do_discard(u64 offset, u64 size) override { return image_->discard(offset, size); }
  int do_write_zeroes(u64 offset, u64 size, bool may_unmap) override {
    return image_->write_zeroes(offset, size, may_unmap);
  }

 private:
  void open_image(bool for_writing) {
    image_.emplace(below(), for_writing);
    size_ = image_->size();
  }

  std::string backing_;
  std::optional<Image> image_;  // none while another program uses it
  u64 size_ = 0;
};

BACKPLANE_TYPE(BlockQcow2, "block-qcow2", .description = "QEMU's format: takes room as it is used")

}  // namespace

}  // namespace backplane::qcow2

BACKPLANE_MODULE("block-qcow2", "0.1", "Disk images in the qcow2 format");
