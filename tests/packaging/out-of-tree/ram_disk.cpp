// SPDX-License-Identifier: MIT
// A block driver: a disk in memory, empty at each start.
#include <backplane/block.h>
#include <backplane/module.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

using namespace backplane;

namespace {

class RamDisk final : public BlockNode {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&RamDisk::size_>("size", "bytes of the disk");
  }
  u64 size() const override { return size_; }

 protected:
  void open_node() override {
    if (size_ == 0) throw Error("size is missing: expects the bytes of the disk");
    bytes_.resize(size_);
  }
  int do_read(u64 offset, std::span<const iovec> iov) override {
    const std::lock_guard lock(mutex_);
    for (const iovec& piece : iov) {
      std::memcpy(piece.iov_base, bytes_.data() + offset, piece.iov_len);
      offset += piece.iov_len;
    }
    return 0;
  }
  int do_write(u64 offset, std::span<const iovec> iov) override {
    const std::lock_guard lock(mutex_);
    for (const iovec& piece : iov) {
      std::memcpy(bytes_.data() + offset, piece.iov_base, piece.iov_len);
      offset += piece.iov_len;
    }
    return 0;
  }

 private:
  Size size_;
  std::mutex mutex_;
  std::vector<u8> bytes_;
};

BACKPLANE_TYPE(RamDisk, "block-ramdisk", .description = "A disk in memory")

}  // namespace

BACKPLANE_MODULE("block-ramdisk", "1.0", "A disk in memory", "MIT")
