// SPDX-License-Identifier: MIT
// What every block node does, whatever it stores its bytes in.
#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include "backplane/block.h"
#include "backplane/block_queue.h"
#include "backplane/machine.h"
#include "block/buffers.h"

namespace backplane {

void BlockNode::class_init(ObjectClass& k) {
  k.property<&BlockNode::read_only_>("read-only",
                                     "the guest cannot write (auto: if what is below cannot be)");
  k.property<&BlockNode::auto_read_only_>("auto-read-only",
                                          "open it for reading if it cannot be opened for writing");
  k.property<&BlockNode::cache_direct_>("cache.direct", "bypass the host's page cache");
  k.property<&BlockNode::ignore_flush_>("cache.no-flush",
                                        "never wait for the disk: for images nobody will miss");
  k.property<&BlockNode::discard_>("discard", "whether what is discarded gives its space back");
  k.property<&BlockNode::detect_zeroes_>("detect-zeroes",
                                         "what becomes of a write of nothing but zeroes");
}

void BlockNode::open() {
  if (detect_zeroes_ == DetectZeroes::Unmap && discard_ == DiscardMode::Ignore)
    throw Error("detect-zeroes=unmap: gives space back, which discard=ignore forbids",
                "detect-zeroes=on does not");
  if (cache_direct_ && ignore_flush_)
    throw Error("cache.direct=on and cache.no-flush=on exclude each other");
  open_node();
  if (read_only_ == OnOffAuto::Auto) read_only_ = OnOffAuto::Off;
  here_ = read_only() || !begins_elsewhere();
}

bool BlockNode::begins_elsewhere() const { return machine().config().will_be_received; }

void BlockNode::hand_over() {
  if (read_only() || !here_) return;
  if (const int result = flush(); result != 0) throw Error(explain(result));
  do_hand_over();
  here_ = false;
}

void BlockNode::take_over() {
  if (here_) return;
  do_take_over();
  here_ = true;
}

std::span<const std::string_view> BlockNode::passed_down() const {
  static constexpr std::array<std::string_view, 5> kKeys{
      "read-only", "auto-read-only", "cache.direct", "cache.no-flush", "discard"};
  return kKeys;
}

int BlockNode::write(u64 offset, std::span<const iovec> iov) {
  u64 size = 0;
  if (detect_zeroes_ != DetectZeroes::Off && total_size(iov, size) && all_zero(iov))
    return write_zeroes(offset, size, detect_zeroes_ == DetectZeroes::Unmap);
  return do_write(offset, iov);
}

int BlockNode::read(u64 offset, void* data, std::size_t size) {
  const iovec piece{data, size};
  return do_read(offset, {&piece, 1});
}

int BlockNode::write(u64 offset, const void* data, std::size_t size) {
  const iovec piece{const_cast<void*>(data), size};  // writing only reads from it
  return write(offset, {&piece, 1});
}

int BlockNode::discard(u64 offset, u64 size) {
  return discard_ == DiscardMode::Ignore || size == 0 ? 0 : do_discard(offset, size);
}

int BlockNode::write_zeroes(u64 offset, u64 size, bool may_unmap) {
  if (size == 0) return 0;
  return do_write_zeroes(offset, size, may_unmap && discard_ == DiscardMode::Unmap);
}

int BlockNode::grow(u64 size) { return size <= this->size() ? 0 : -ENOTSUP; }

void BlockNode::resize(u64 size) {
  if (size % kSectorSize != 0)
    throw Error::of("size={}: expects a multiple of {}", size, kSectorSize);
  if (dynamic_cast<const Backend*>(user()) != nullptr)
    throw Error::of("'{}' is a part of '{}', which is what can be resized", id(),
                    user()->child_name());
  if (read_only()) throw Error::of("{} is read-only", where());
  if (!is_here()) throw Error::of("{} is in use by another program", where());
  if (size < this->size())
    throw Error::of("{} has {} bytes: a disk cannot become shorter", where(), this->size());
  if (queue_ != nullptr) queue_->settle();
  if (const int result = grow(size); result != 0)
    throw Error::of("cannot make it {} bytes long: {}", size, explain(result));
  if (user() == nullptr) return;
  Object* const device = machine().find(user()->path());
  if (auto* const listener = dynamic_cast<DiskSizeListener*>(device)) listener->disk_size_changed();
}

int BlockNode::do_discard(u64, u64) { return 0; }

int BlockNode::do_write_zeroes(u64 offset, u64 size, bool) {
  alignas(4096) static u8 zeroes[64_KiB];
  constexpr u64 kStep = 4_MiB;
  std::vector<iovec> iov;
  while (size != 0) {
    const u64 step = std::min(size, kStep);
    iov.clear();
    for (u64 done = 0; done < step; done += sizeof zeroes)
      iov.push_back({zeroes, std::min<u64>(step - done, sizeof zeroes)});
    if (const int result = do_write(offset, iov); result != 0) return result;
    offset += step;
    size -= step;
  }
  return 0;
}

std::string BlockNode::explain(int result) const {
  return where() + ": " + std::generic_category().message(-result);
}

std::string BlockNode::describe() const {
  std::string text = fmt::format("{}, {}, {}, {}", where(), kBlockKind.user_name(type_name()),
                                 readable_size(size()), read_only() ? "read-only" : "read-write");
  if (cache_direct_) text += ", cache.direct=on";
  if (ignore_flush_) text += ", cache.no-flush=on";
  return text;
}

void BlockFormat::hand_over() {
  BlockNode::hand_over();
  below().hand_over();
}

void BlockFormat::take_over() {
  below().take_over();
  BlockNode::take_over();
}

void expect_whole_sectors(const BlockNode& node) {
  if (node.size() % kSectorSize != 0)
    throw Error(fmt::format("{} has {} bytes: expects a multiple of {}", node.where(), node.size(),
                            kSectorSize),
                fmt::format("truncate -s %{} {} makes it one", kSectorSize, node.where()));
}

void BlockFormat::class_init(ObjectClass& k) {
  k.property<&BlockFormat::file_>("file", "node-name of what it stands on");
}

void BlockFormat::open_node() {
  if (!file_)
    throw Error("file is missing: expects the node-name of a file, or file.filename=PATH");
  if (below().read_only()) {
    if (wants_read_only() == OnOffAuto::Off)
      throw Error("read-only=off: the file below it is read-only");
    set_read_only(true);
  }
  if (bypasses_cache()) below().bypass_cache();
  open_format();
}

BACKPLANE_REGISTER_ABSTRACT(BlockNode)
BACKPLANE_REGISTER_ABSTRACT(BlockFormat)

}  // namespace backplane
