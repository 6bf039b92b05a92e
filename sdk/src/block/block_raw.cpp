// SPDX-License-Identifier: MIT
// block-raw: the bytes of what is below are the bytes of the disk.
#include <array>
#include <atomic>
#include <cerrno>
#include <optional>
#include <string_view>

#include "backplane/block.h"
#include "backplane/image.h"
#include "backplane/log.h"
#include "block/host_transfers.h"

namespace backplane {

namespace {

class BlockRaw final : public BlockFormat, public MappedNode, public HostTransfers {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&BlockRaw::offset_>("offset", "where the disk begins in what is below");
    k.property<&BlockRaw::size_>("size", "bytes of the disk (0: all that follows)");
  }

  u64 size() const override { return end_.load(std::memory_order_relaxed); }
  int grow(u64 size) override;
  int extent(u64 offset, u64 size, Extent& extent) override {
    const int error = extent_of(below(), offset_ + offset, size, extent);
    if (extent.host) *extent.host -= offset_;
    return error;
  }
  const std::string& engine() const override;
  std::optional<Place> place(bool write, u64 offset, std::span<const iovec> iov) const override;

 protected:
  void open_format() override;
  int do_read(u64 offset, std::span<const iovec> iov) override {
    return below().read(offset_ + offset, iov);
  }
  int do_write(u64 offset, std::span<const iovec> iov) override {
    return below().write(offset_ + offset, iov);
  }
  int do_discard(u64 offset, u64 size) override { return below().discard(offset_ + offset, size); }
  int do_write_zeroes(u64 offset, u64 size, bool may_unmap) override {
    return below().write_zeroes(offset_ + offset, size, may_unmap);
  }

 private:
  // The most common mistake that raw images cannot tell by themselves.
  void warn_about_other_formats();

  Size offset_;
  Size size_;
  std::atomic<u64> end_{0};  // bytes, as they are now
  bool is_all_that_follows_ = false;
  const HostTransfers* host_ = nullptr;  // what is below, if it is one
};

void BlockRaw::open_format() {
  const u64 all = below().size();
  if (offset_ > all || size_ > all - offset_)
    throw Error::of("offset={},size={}: {} has {} bytes", offset_.bytes, size_.bytes,
                    below().where(), all);
  host_ = dynamic_cast<const HostTransfers*>(&below());
  is_all_that_follows_ = size_ == 0;
  if (is_all_that_follows_) size_.bytes = all - offset_;
  end_ = size_.bytes;
  expect_whole_sectors(*this);
  if (offset_ == 0) warn_about_other_formats();
}

const std::string& BlockRaw::engine() const {
  static const std::string none;
  return host_ != nullptr ? host_->engine() : none;
}

std::optional<HostTransfers::Place> BlockRaw::place(bool write, u64 offset,
                                                    std::span<const iovec> iov) const {
  if (host_ == nullptr || (write && detects_zeroes())) return std::nullopt;
  return host_->place(write, offset_ + offset, iov);
}

int BlockRaw::grow(u64 size) {
  if (size <= this->size()) return 0;
  if (!is_all_that_follows_) return -ENOTSUP;
  if (const int result = below().grow(offset_ + size); result != 0) return result;
  size_.bytes = size;
  end_ = size;
  return 0;
}

void BlockRaw::warn_about_other_formats() {
  std::array<char, 4> start{};
  if (size() < start.size() || below().read(0, start.data(), start.size()) != 0) return;
  const std::string_view magic(start.data(), start.size());
  const auto warn = [&](std::string_view cure) {
    log::warn(
        fmt::format("{} looks like an image of another format, but is used as raw: the guest "
                    "sees the file as it is ({})",
                    where(), cure));
  };
  if (magic == "QFI\xfb") warn("format=qcow2 opens it as what it is");
  if (magic == "KDMV" || magic == "conn") warn("qemu-img convert -O raw makes a raw image of it");
}

BACKPLANE_TYPE(BlockRaw, "block-raw", .description = "The bytes of a file, or a part of them")

}  // namespace

}  // namespace backplane
