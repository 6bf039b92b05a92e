// SPDX-License-Identifier: MIT
// Block nodes: what a disk's bytes are stored in. A protocol (block-file) reaches the host's
// storage; a format (block-raw) or a filter stands on another node. A device works on the node that
// its property `drive` names, by way of a queue (block_queue.h).
//
// A node is passive: each call blocks until it is done. Reading, writing and their like come from
// any thread, several at a time, without the machine lock; everything else is called under it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "backplane/backend.h"
#include "backplane/enumeration.h"
#include "backplane/io_vector.h"
#include "backplane/room.h"
#include "backplane/types.h"

namespace backplane {

class BlockQueue;

// A device whose guest is told when the disk has become longer. Machine lock.
class DiskSizeListener {
 public:
  virtual void disk_size_changed() = 0;

 protected:
  ~DiskSizeListener() = default;
};

inline constexpr Kind kBlockKind{.base = "block-node",
                                 .prefix = "block-",
                                 .suffix = "",
                                 .noun = "block driver",
                                 .option = "-blockdev"};

inline constexpr u64 kSectorSize = 512;  // bytes: what sizes and requests of disks are multiples of

// What becomes of a write of nothing but zeroes: nothing else, zeroes that keep their place on the
// disk but are not written one by one, or a hole.
enum class DetectZeroes { Off, On, Unmap };
template <>
struct EnumNames<DetectZeroes> {
  static constexpr EnumName<DetectZeroes> kNames[] = {
      {DetectZeroes::Off, "off"}, {DetectZeroes::On, "on"}, {DetectZeroes::Unmap, "unmap"}};
};

// What becomes of what is discarded: its place is given back, or it stays.
enum class DiscardMode { Unmap, Ignore };
template <>
struct EnumNames<DiscardMode> {
  static constexpr EnumName<DiscardMode> kNames[] = {{DiscardMode::Unmap, "unmap"},
                                                     {DiscardMode::Ignore, "ignore"},
                                                     {DiscardMode::Unmap, "on", true},
                                                     {DiscardMode::Ignore, "off", true}};
};

// A type of its own derives from it, opens what it needs in open_node(), and implements size(),
// do_read() and do_write(); the rest as far as it can do better. The properties of this class are
// those of every node, and are carried out here, but for cache.direct and auto-read-only, which
// are about what the host is asked for.
class BlockNode : public Backend {
  BACKPLANE_OBJECT(BlockNode, Backend, "block-node")
 public:
  static void class_init(ObjectClass& k);
  static constexpr const Kind& kKind = kBlockKind;

  virtual u64 size() const = 0;  // bytes; may grow, by grow() alone
  bool read_only() const { return read_only_ == OnOffAuto::On; }

  // 0 or a negative errno. Ranges lie within size(); nothing is written to a read-only node.
  int read(u64 offset, std::span<const iovec> iov) { return do_read(offset, iov); }
  int write(u64 offset, std::span<const iovec> iov);
  // What was written before is on stable storage afterwards.
  int flush() { return ignore_flush_ ? do_write_back() : do_flush(); }
  // What a format keeps in memory of what was written goes down, without waiting for the disk.
  int write_back() { return do_write_back(); }
  // The content of the range no longer matters.
  int discard(u64 offset, u64 size);
  // The range reads as zeroes afterwards. may_unmap: it need not keep its place on the disk.
  int write_zeroes(u64 offset, u64 size, bool may_unmap);
  // One piece of memory.
  int read(u64 offset, void* data, std::size_t size);
  int write(u64 offset, const void* data, std::size_t size);

  // Makes it `size` bytes long at least; what is new reads as zeroes. 0 or a negative errno:
  // -ENOTSUP where that cannot be.
  virtual int grow(u64 size);
  // The same for a disk as its device has it, which is told. Waits for what is in flight. Throws
  // Error: it cannot be, or would become shorter. Main loop's thread.
  void resize(u64 size);
  // Transfers bypass the host's cache from now on, where it can be had. Throws Error.
  virtual void bypass_cache() {}
  // What it is stored in, for messages: a path; or its id if there is nothing better.
  virtual std::string where() const { return id(); }
  // What a result that is not 0 came from: where, and the system's text, or more.
  virtual std::string explain(int result) const;

  // An image that can be written has one program that uses it: at first this one, or, where the
  // machine is to be received (MachineConfig), the one that it runs in.
  bool is_here() const { return here_; }
  // What is written to it is gone with this program: no machine that has it is saved or sent.
  void set_temporary() { temporary_ = true; }
  bool is_temporary() const { return temporary_; }
  // Leaves the image to another program: what was written is on the disk, and until take_over()
  // nothing is written or kept in memory. Nothing is in flight. Throws Error, and has it still
  // then.
  virtual void hand_over();
  // Uses the image (again), as it is now. Throws Error if another program does.
  virtual void take_over();

  std::string describe() const final;
  std::span<const std::string_view> passed_down() const final;
  // The queue that a device has on it; null if none.
  const BlockQueue* queue() const { return queue_; }

 protected:
  void open() final;
  virtual void open_node() {}
  virtual int do_read(u64 offset, std::span<const iovec> iov) = 0;
  virtual int do_write(u64 offset, std::span<const iovec> iov) = 0;
  virtual int do_flush() { return 0; }
  virtual int do_write_back() { return 0; }
  // What cannot be discarded stays.
  virtual int do_discard(u64 offset, u64 size);
  virtual int do_write_zeroes(u64 offset, u64 size, bool may_unmap);
  virtual void do_hand_over() {}
  virtual void do_take_over() {}

  // For open_node(): whether another program has an image that can be written, until
  // do_take_over().
  bool begins_elsewhere() const;
  // For open_node(): what was asked for, and what came of it.
  OnOffAuto wants_read_only() const { return read_only_; }
  bool may_be_read_only() const { return auto_read_only_; }
  bool bypasses_cache() const { return cache_direct_; }
  // A write is looked at before it goes down.
  bool detects_zeroes() const { return detect_zeroes_ != DetectZeroes::Off; }
  void set_read_only(bool read_only) { read_only_ = read_only ? OnOffAuto::On : OnOffAuto::Off; }

 private:
  friend class BlockQueue;
  OnOffAuto read_only_ = OnOffAuto::Auto;
  bool auto_read_only_ = false;
  bool cache_direct_ = false;
  bool ignore_flush_ = false;
  DiscardMode discard_ = DiscardMode::Unmap;
  DetectZeroes detect_zeroes_ = DetectZeroes::Off;
  bool here_ = true;
  BlockQueue* queue_ = nullptr;
  bool temporary_ = false;
  [[maybe_unused]] Room<3> room_;
};

// A format or a filter: stands on the node that its property `file` names, and is read-only if that
// is. Requests go there as they are, unless the type derived from it says otherwise.
class BlockFormat : public BlockNode {
  BACKPLANE_OBJECT(BlockFormat, BlockNode, "block-format")
 public:
  static void class_init(ObjectClass& k);

  u64 size() const override { return below().size(); }
  void bypass_cache() override { below().bypass_cache(); }
  // Together with what is below, which has the image last, and first again.
  void hand_over() override;
  void take_over() override;
  std::string where() const override { return file_ ? below().where() : id(); }
  std::string explain(int result) const override { return below().explain(result); }

 protected:
  void open_node() final;
  // What is below is open, and whether the node is read-only is known; it may still say that it is.
  virtual void open_format() {}
  BlockNode& below() const { return *file_; }
  int do_read(u64 offset, std::span<const iovec> iov) override { return below().read(offset, iov); }
  int do_write(u64 offset, std::span<const iovec> iov) override {
    return below().write(offset, iov);
  }
  int do_flush() override { return below().flush(); }
  int do_write_back() override { return below().write_back(); }
  int do_discard(u64 offset, u64 size) override { return below().discard(offset, size); }
  int do_write_zeroes(u64 offset, u64 size, bool may_unmap) override {
    return below().write_zeroes(offset, size, may_unmap);
  }

 private:
  BackendLink<BlockNode> file_;
  [[maybe_unused]] Room<4> room_;
};

// Throws Error unless the size of the node is a whole number of sectors.
void expect_whole_sectors(const BlockNode& node);

}  // namespace backplane
