// SPDX-License-Identifier: MIT
// block-file and block-host_device: an image or a block device of the host.
#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>

#include "backplane/aio.h"
#include "backplane/block.h"
#include "backplane/image.h"
#include "block/buffers.h"
#include "block/host_transfers.h"
#include "block/image_file.h"

namespace backplane {

namespace {

// What carries requests out where no engine is asked for.
constexpr std::string_view kThreads = "threads";

}  // namespace

template <>
struct EnumNames<ImageLocking> {
  static constexpr EnumName<ImageLocking> kNames[] = {
      {ImageLocking::Auto, "auto"}, {ImageLocking::On, "on"}, {ImageLocking::Off, "off"}};
};

namespace {

class BlockFile : public BlockNode, public MappedNode, public HostTransfers {
  BACKPLANE_OBJECT(BlockFile, BlockNode, "block-file")
 public:
  static void class_init(ObjectClass& k) {
    k.property<&BlockFile::path_>("filename", "path of the image");
    k.property<&BlockFile::locking_>(
        "locking", "keep other programs from using it (auto: where the file system can)");
    k.property<&BlockFile::aio_>("aio",
                                 "what carries requests out: threads, or an engine: io_uring");
  }

  u64 size() const override { return size_.load(std::memory_order_relaxed); }
  int grow(u64 size) override;
  void bypass_cache() override;
  int extent(u64 offset, u64 size, Extent& extent) override;
  const std::string& engine() const override { return engine_; }
  std::optional<Place> place(bool write, u64 offset, std::span<const iovec> iov) const override;
  std::string where() const override { return path_; }
  std::string explain(int result) const override;

 protected:
  void open_node() override;
  // Beyond the end of a file that has become shorter, this and all that changes the disk gives
  // -EIO.
  int do_read(u64 offset, std::span<const iovec> iov) override { return file_->read(offset, iov); }
  int do_write(u64 offset, std::span<const iovec> iov) override;
  int do_flush() override;
  int do_discard(u64 offset, u64 size) override;
  int do_write_zeroes(u64 offset, u64 size, bool may_unmap) override;
  void do_hand_over() override { file_->unlock(); }
  void do_take_over() override;

  virtual ImageKind kind() const { return ImageKind::File; }

 private:
  // -EIO if the file has become too short for that, since to write there would make it longer.
  int check_end(u64 offset, u64 size) const {
    return offset + size <= file_->size_now() ? 0 : -EIO;
  }

  std::string path_;
  ImageLocking locking_ = ImageLocking::Auto;
  std::string aio_ = std::string(kThreads);
  std::string engine_;
  std::unique_ptr<ImageFile> file_;
  bool direct_ = false;
  std::atomic<u64> size_{0};
  std::atomic<bool> lost_data_{false};
};

class BlockHostDevice final : public BlockFile {
 public:
  static void class_init(ObjectClass&) {}

 protected:
  ImageKind kind() const override { return ImageKind::Device; }
};

void BlockFile::open_node() {
  if (path_.empty()) throw Error::of("{} is missing: expects the path of an image", "filename");
  file_ =
      std::make_unique<ImageFile>(ImageOptions{.file = path_,
                                               .kind = kind(),
                                               .read_only = wants_read_only() == OnOffAuto::On,
                                               .auto_read_only = may_be_read_only(),
                                               .locking = locking_,
                                               .lock_later = begins_elsewhere(),
                                               .cures = {.read_only = spelled("read-only") + "=on",
                                                         .unlocked = spelled("locking") + "=off",
                                                         .cached = spelled("cache.direct") + "=off",
                                                         .driver = spelled("driver")}});
  // An unknown name is told of now, not when a device comes to use it.
  if (aio_ != kThreads) engine_ = kAioKind.user_name(class_of_kind(kAioKind, aio_).name);
  set_read_only(file_->read_only());
  size_ = file_->size();
  if (bypasses_cache()) bypass_cache();
}

// The other program may have made it longer.
void BlockFile::do_take_over() {
  file_->lock();
  size_ = file_->size_now();
}

void BlockFile::bypass_cache() {
  if (!direct_) file_->bypass_cache();
  direct_ = true;
}

int BlockFile::grow(u64 size) {
  if (size <= this->size()) return 0;
  if (const int error = file_->resize(size); error != 0) return error;
  size_ = size;
  return 0;
}

int BlockFile::extent(u64 offset, u64 size, Extent& extent) {
  extent = {.host = offset};
  const int error = file_->find_stored(offset, size, extent.size, extent.data);
  extent.zero = !extent.data;
  return error;
}

std::optional<HostTransfers::Place> BlockFile::place(bool write, u64 offset,
                                                     std::span<const iovec> iov) const {
  u64 size = 0;
  if (write && (detects_zeroes() || !total_size(iov, size) || check_end(offset, size) != 0))
    return std::nullopt;
  return Place{file_->descriptor(offset, iov), offset};
}

int BlockFile::do_write(u64 offset, std::span<const iovec> iov) {
  u64 size = 0;
  total_size(iov, size);
  if (const int error = check_end(offset, size); error != 0) return error;
  return file_->write(offset, iov);
}

// Once the host has failed to write something back, it has dropped it: every flush fails from then
// on.
int BlockFile::do_flush() {
  if (lost_data_.load(std::memory_order_relaxed)) return -EIO;
  const int result = file_->sync();
  if (result != 0 && !read_only()) lost_data_.store(true, std::memory_order_relaxed);
  return result;
}

int BlockFile::do_discard(u64 offset, u64 size) {
  if (const int error = check_end(offset, size); error != 0) return error;
  const int result = file_->punch_hole(offset, size);
  return result == -EOPNOTSUPP ? 0 : result;
}

int BlockFile::do_write_zeroes(u64 offset, u64 size, bool may_unmap) {
  if (const int error = check_end(offset, size); error != 0) return error;
  int result = -EOPNOTSUPP;
  if (may_unmap) result = file_->punch_hole(offset, size);
  if (result == -EOPNOTSUPP) result = file_->zero_range(offset, size);
  return result == -EOPNOTSUPP ? BlockNode::do_write_zeroes(offset, size, false) : result;
}

std::string BlockFile::explain(int result) const {
  if (const u64 now = file_->size_now(); result == -EIO && now < size())
    return fmt::format("{} has become shorter: {} instead of {}", path_, readable_size(now),
                       readable_size(size()));
  return BlockNode::explain(result);
}

BACKPLANE_REGISTER(BlockFile, .description = "A file of the host")
BACKPLANE_TYPE(BlockHostDevice, "block-host_device", .description = "A block device of the host")

}  // namespace

}  // namespace backplane
