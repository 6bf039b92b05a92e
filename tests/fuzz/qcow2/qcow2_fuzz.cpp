// SPDX-License-Identifier: MIT
// An image of a stranger's: it is refused with an Error, or every request gets an answer. Nothing
// may crash, hang, or reach outside of memory.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "backplane/block.h"
#include "backplane/image.h"
#include "backplane/testing/test_machine.h"

namespace backplane::fuzz {
namespace {

std::vector<u8> image;

// What a file of these bytes would be; it does not become long.
class Memory final : public BlockNode {
 public:
  static void class_init(ObjectClass&) {}
  u64 size() const override { return image.size(); }
  int grow(u64 size) override {
    if (size > 4_MiB) return -ENOSPC;
    image.resize(std::max<u64>(size, image.size()));
    return 0;
  }

 protected:
  int do_read(u64 offset, std::span<const iovec> iov) override {
    return each(offset, iov, [](u8* here, const iovec& piece) {
      std::memcpy(piece.iov_base, here, piece.iov_len);
    });
  }
  int do_write(u64 offset, std::span<const iovec> iov) override {
    return each(offset, iov, [](u8* here, const iovec& piece) {
      std::memcpy(here, piece.iov_base, piece.iov_len);
    });
  }

 private:
  template <class Fn>
  int each(u64 offset, std::span<const iovec> iov, Fn fn) {
    for (const iovec& piece : iov) {
      if (offset > image.size() || piece.iov_len > image.size() - offset) __builtin_trap();
      if (piece.iov_len != 0) fn(image.data() + offset, piece);
      offset += piece.iov_len;
    }
    return 0;
  }
};
BACKPLANE_TYPE(Memory, "block-fuzz")

void use(BlockNode& disk) {
  std::vector<u8> bytes(64_KiB, 0x5a);
  const u64 size = std::min<u64>(disk.size(), bytes.size());
  // The beginning, the end, and something between.
  for (const u64 offset : {u64{0}, disk.size() - size, (disk.size() - size) / 3 / 512 * 512}) {
    disk.read(offset, bytes.data(), size);
    disk.write(offset, bytes.data(), size);
    disk.discard(offset, size);
    disk.write(offset, bytes.data(), std::min<u64>(size, 512));
    disk.write_zeroes(offset, size, false);
    disk.flush();
  }
}

// What tools do to an image.
void change(BlockNode& disk) {
  auto& image = dynamic_cast<DiskImage&>(disk);
  const std::vector<u8> bytes(std::min<u64>(disk.size(), image.cluster_size()), 0x11);
  if (!bytes.empty()) image.write_compressed(0, bytes);
  Extent extent;
  for (u64 at = 0, steps = 0; at < disk.size() && steps < 100; at += extent.size, ++steps)
    if (extent_of(disk, at, disk.size() - at, extent) != 0) break;
  const auto attempt = [](auto what) {
    try {
      what();
    } catch (const Error&) {
    }
  };
  attempt([&] { image.create_snapshot("fuzz"); });
  for (const Snapshot& snapshot : image.snapshots()) {
    attempt([&] { image.apply_snapshot(snapshot.id); });
    use(disk);
    attempt([&] { image.delete_snapshot(snapshot.id); });
    break;
  }
  if (disk.size() < 1_GiB) disk.grow(disk.size() + 1_MiB);
  attempt([&] { image.shrink(512); });
  attempt([&] { image.set_backing("none", "raw"); });
  attempt([&] { image.make_empty(); });
}

void check(Backends& backends) {
  auto& file = dynamic_cast<BlockNode&>(backends.add(kBlockKind, "fuzz", "file", {}));
  for (const Repair repair : {Repair::Nothing, Repair::All}) try {
      create_image_format("qcow2")->check(file, repair);
    } catch (const Error&) {
    }
  backends.remove("file");
}

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  using namespace backplane;
  static testing::TestMachine machine;
  static Backends& backends = machine.add_child("backends", std::make_unique<Backends>(machine));
  for (const char* const read_only : {"on", "off"}) {
    fuzz::image.assign(data, data + std::min<std::size_t>(size, 1_MiB));
    try {
      // No image may reach a file of the host.
      auto& disk = dynamic_cast<BlockNode&>(
          backends.add(kBlockKind, "qcow2", "disk",
                       {{"file.driver", "fuzz"}, {"backing", "off"}, {"read-only", read_only}}));
      fuzz::use(disk);
      if (!disk.read_only()) fuzz::change(disk);
      backends.remove("disk");
    } catch (const Error&) {
    }
  }
  fuzz::image.assign(data, data + std::min<std::size_t>(size, 1_MiB));
  fuzz::check(backends);
  return 0;
}
