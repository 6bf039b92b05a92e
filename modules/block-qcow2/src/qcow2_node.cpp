// SPDX-License-Identifier: MIT
// block-qcow2: images that take only the room that was written to. [qcow2]
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include "backing_file.h"
#include "backplane/block.h"
#include "backplane/error.h"
#include "backplane/image.h"
#include "backplane/machine.h"
#include "image.h"

namespace backplane::qcow2 {

namespace {

class BlockQcow2 final : public BlockFormat,
                         public MappedNode,
                         public DiskImage,
                         public VmStateImage {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&BlockQcow2::backing_>(
        "backing", "node-name of what it stands on; empty or off: nothing (default: what it says)");
  }
  ~BlockQcow2() override {
    if (image_ && !read_only()) image_->close();
  }

  u64 size() const override { return size_; }
  int grow(u64 size) override;
  int extent(u64 offset, u64 size, Extent& extent) override;

  std::string backing_file() const override { return image_->header().backing_file; }
  std::string backing_format() const override { return image_->header().backing_format(); }
  std::string backing_path() const override { return path_beside(where(), backing_file()); }
  BlockNode* backing() const override { return backing_.get(); }
  void set_backing(const std::string& file, const std::string& format) override {
    expect_writable();
    expect(image_->set_backing_name(file, format));
  }
  u64 cluster_size() const override { return image_->header().cluster_size(); }
  bool is_dirty() const override { return image_->header().has(kDirty); }
  Value details() const override;
  void shrink(u64 size) override;
  void make_empty() override {
    expect_writable();
    expect(image_->make_empty());
  }
  int write_compressed(u64 offset, std::span<const u8> data) override {
    return read_only() ? -EACCES : image_->write_compressed(offset, data);
  }
  std::vector<Snapshot> snapshots() const override;
  void create_snapshot(const std::string& name) override;
  void apply_snapshot(const std::string& name) override;
  void delete_snapshot(const std::string& name) override;

  void write_vm_state(u64 offset, std::span<const u8> bytes) override {
    expect_writable();
    expect(image_->write_vm_state(offset, bytes));
  }
  void drop_vm_state() override {
    expect_writable();
    expect(image_->drop_vm_state());
  }
  void add_snapshot(const Snapshot& described) override;
  void read_vm_state(const std::string& id, u64 offset, std::span<u8> bytes) override {
    expect(image_->read_vm_state(snapshot_called(id), offset, bytes));
  }

 protected:
  void open_format() override;
  void do_hand_over() override;
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
  void open_image(bool for_writing);
  void open_backing(const Header& header);
  void expect(int error) const {
    if (error != 0) throw Error(explain(error));
  }
  void expect_writable() const {
    if (read_only() || !image_) throw Error::of("{} is open for reading alone", where());
  }
  const StoredSnapshot& snapshot_called(const std::string& name) const;

  BackingLink backing_;
  std::unique_ptr<Image> image_;  // none while another program uses it
  u64 size_ = 0;
};

void BlockQcow2::open_format() {
  const bool for_writing = wants_read_only() != OnOffAuto::On;
  const Header header = read_header(below(), for_writing);
  open_backing(header);
  // Who writes it changes all but its size.
  if (for_writing && begins_elsewhere())
    size_ = header.size;
  else
    open_image(for_writing);
  expect_whole_sectors(*this);
}

void BlockQcow2::open_backing(const Header& header) {
  if (backing_.is_given() || header.backing_file.empty()) return;
  Backends::Properties properties = backing_properties(*this, header);
  if (bypasses_cache()) properties.emplace_back("cache.direct", "on");
  auto& backends = dynamic_cast<Backends&>(*machine().find(Backends::kPath));
  try {
    backends.add_below(*this, kBlockKind, "backing", std::move(properties));
  } catch (const Error& error) {
    throw error.in("the backing file of " + where());
  }
  set_property("backing", path() + "/backing");
}

void BlockQcow2::open_image(bool for_writing) {
  image_ = std::make_unique<Image>(below(), for_writing);
  image_->set_backing(backing_.get());
  size_ = image_->size();
}

void BlockQcow2::do_hand_over() {
  expect(image_->close());
  image_.reset();
}

int BlockQcow2::grow(u64 size) {
  if (size <= size_) return 0;
  if (!image_ || read_only()) return -ENOTSUP;
  const int error = image_->grow(size);
  size_ = image_->size();
  return error;
}

void BlockQcow2::shrink(u64 size) {
  expect_writable();
  if (!image_->snapshots().empty())
    throw Error::of("{} has snapshots: it cannot become shorter", where());
  expect(image_->shrink(size));
  size_ = image_->size();
}

int BlockQcow2::extent(u64 offset, u64 size, Extent& extent) {
  const int error = image_->extent(offset, size, extent);
  if (error != 0) return error;
  // Where there is nothing below, what is not there is zeroes.
  if (!extent.present && backing_.get() == nullptr) extent.zero = true;
  if (!extent.host || extent.zero || *extent.host >= below().size()) return 0;
  // Room that was set aside, and what is left of a cluster, are holes of the file.
  Extent stored;
  const u64 there = std::min(extent.size, below().size() - *extent.host);
  if (const int failed = extent_of(below(), *extent.host, there, stored); failed != 0)
    return failed;
  extent.size = stored.size;
  extent.zero = stored.zero;
  return 0;
}

Value BlockQcow2::details() const {
  const Header& header = image_->header();
  Value::Record details{
      {"compat", header.version == 3 ? "1.1" : "0.10"},
      {"compression-type", header.compression == Compression::Zstd ? "zstd" : "zlib"}};
  if (header.version == 3) details.push_back({"lazy-refcounts", header.lazy_refcounts()});
  details.push_back({"refcount-bits", 1U << header.refcount_order});
  if (header.version == 3) {
    details.push_back({"corrupt", header.has(kCorrupt)});
    details.push_back({"extended-l2", false});
  }
  return details;
}

std::vector<Snapshot> BlockQcow2::snapshots() const {
  std::vector<Snapshot> list;
  for (const StoredSnapshot& snapshot : image_->snapshots()) list.push_back(snapshot.about);
  return list;
}

const StoredSnapshot& BlockQcow2::snapshot_called(const std::string& name) const {
  if (const StoredSnapshot* const found = find_snapshot(image_->snapshots(), name)) return *found;
  throw Error::of("{} has no snapshot '{}'", where(), name);
}

void BlockQcow2::create_snapshot(const std::string& name) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now);
  Snapshot described;
  described.name = name;
  described.seconds = static_cast<u32>(seconds.count());
  described.nanoseconds =
      static_cast<u32>(std::chrono::duration_cast<std::chrono::nanoseconds>(now - seconds).count());
  add_snapshot(described);
}

void BlockQcow2::add_snapshot(const Snapshot& described) {
  expect_writable();
  // No more than QEMU's programs show whole.
  constexpr std::size_t kLongestName = 255;
  if (described.name.size() > kLongestName)
    throw Error::of("'{}...' has {} bytes: a snapshot's name has {} at most",
                    described.name.substr(0, 32), described.name.size(), kLongestName);
  if (image_->snapshots().size() >= kMostSnapshots)
    throw Error::of("{} has {} snapshots, which is the most that an image has", where(),
                    kMostSnapshots);
  if (image_->header().most_references() < 2)
    throw Error::of("{} cannot have snapshots: its refcounts have one bit", where());
  StoredSnapshot snapshot;
  snapshot.about = described;
  snapshot.about.id = next_snapshot_id(image_->snapshots());
  snapshot.about.disk_size = size_;
  expect(image_->create_snapshot(snapshot));
}

void BlockQcow2::apply_snapshot(const std::string& name) {
  expect_writable();
  expect(image_->apply_snapshot(snapshot_called(name)));
  size_ = image_->size();
}

void BlockQcow2::delete_snapshot(const std::string& name) {
  expect_writable();
  expect(image_->delete_snapshot(snapshot_called(name)));
}

BACKPLANE_TYPE(BlockQcow2, "block-qcow2", .description = "QEMU's format: takes room as it is used")

}  // namespace

}  // namespace backplane::qcow2

BACKPLANE_MODULE("block-qcow2", "0.1", "Disk images in the qcow2 format");
