// SPDX-License-Identifier: MIT
// Guest-physical memory: a tree of regions, flattened into an immutable view.
//
// Threads: the tree is built and changed under the machine lock. A FlatView is immutable: any
// thread reads one without locks through AddressSpace::view(). MMIO handlers run under the
// machine lock. Guest RAM is plain memory that every vCPU and device may touch at any time.
#pragma once

#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backplane/trace.h"
#include "backplane/types.h"
#include "backplane/value.h"

namespace backplane {

class EventFd;

// The outcome of a guest memory access: data, never an exception.
enum class MemResult {
  Ok,
  DecodeError,  // nothing answers at the address
  AccessError,  // something is there and refuses (ROM written, wrong size)
};

// Granularity of page flags and of translation, in bytes.
constexpr u64 kPageSize = 4096;
constexpr u64 kPageMask = ~(kPageSize - 1);

// Host memory that backs guest RAM or ROM: one memfd, mapped once, zero-filled, page-aligned.
class RamBlock {
 public:
  // Bits of a page's flags.
  enum PageFlag : u8 {
    kHasCode = 1,  // an accelerator translated code from this page: writers must report
    kWritten = 2,  // written since take_written(), while writes are logged
    kShown = 4,    // the same, for who shows what is in the block (DisplayLog)
  };

  // Throws Error if the host cannot provide the memory.
  RamBlock(std::string name, u64 size);
  ~RamBlock();
  RamBlock(const RamBlock&) = delete;
  RamBlock& operator=(const RamBlock&) = delete;

  const std::string& name() const { return name_; }
  u8* host() const { return host_; }
  u64 size() const { return size_; }  // bytes, a multiple of kPageSize
  int fd() const { return fd_; }      // the memfd; -1 on Windows, which has none

  std::atomic<u8>& page_flags(u64 offset) { return flags_[offset / kPageSize]; }

  // Called (on the writer's thread, before the bytes change) for each write by a device or by
  // the host to a page that has kHasCode set. One accelerator owns the hook.
  using CodeWriteHook = std::function<void(RamBlock&, u64 offset, u64 size)>;
  // While no page has kHasCode set: writers that do not have the machine lock look at the hook
  // then.
  void set_code_write_hook(CodeWriteHook hook) { code_write_hook_ = std::move(hook); }
  bool has_code_write_hook() const { return code_write_hook_ != nullptr; }

  // To be called by whoever writes [offset, offset+size) other than through an address space.
  void about_to_write(u64 offset, u64 size) {
    if (logs_writes()) mark_written(offset, size);
    for (u64 page = offset & kPageMask; page < offset + size; page += kPageSize)
      if ((page_flags(page).load(std::memory_order_acquire) & kHasCode) != 0) {
        report_code_write(offset, size);
        return;
      }
  }

  // For DirtyLog and those who know what the guest wrote. Switching on forgets what was marked.
  void log_writes(bool on);
  bool logs_writes() const { return logs_writes_.load(std::memory_order_relaxed); }
  void mark_written(u64 offset, u64 size);
  // Offsets of the pages marked, which are so no more.
  std::vector<u64> take_written();
  // The same for one of two logs, kWritten or kShown, which do not know of each other. Returns
  // whether it is the only one.
  bool log_writes(bool on, PageFlag log);
  bool logs_writes(PageFlag log) const;
  std::vector<u64> take_written(PageFlag log);

  // Gives the host back the whole pages inside [offset, offset+size); they read as zero. What
  // lies outside the block is ignored. (Windows keeps the pages.)
  void discard(u64 offset, u64 size);

  // Whole pages, [start, end), none if that is empty.
  struct Run {
    u64 start = 0, end = 0;
  };
  // The first pages from `offset`, a page's, on that may be other than zero; the others need not
  // be looked at, which would cost the host memory. (Windows tells of all.)
  Run next_in_use(u64 offset) const;

 private:
  void report_code_write(u64 offset, u64 size);

  std::string name_;
  u8* host_ = nullptr;
  u64 size_ = 0;
  int fd_ = -1;
  // Of each page. From calloc, so that only pages in use cost memory.
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::atomic<u8>[], Free> flags_;
  CodeWriteHook code_write_hook_;
  std::atomic<bool> logs_writes_{false};
};

// What answers accesses to an MMIO (or port) region: two plain functions and their subject.
// `offset` is relative to the region; `size` is 1, 2, 4 or 8 bytes; values are little-endian
// numbers. Called under the machine lock.
struct MmioHandler {
  void* self = nullptr;
  u64 (*read)(void* self, u64 offset, unsigned size) = nullptr;
  void (*write)(void* self, u64 offset, u64 value, unsigned size) = nullptr;
  // Sizes the device itself implements. A wider access is split, lowest address first. A narrower
  // one is widened to min_size at the aligned offset: a read takes its bytes out of the wider
  // value, a write puts its bytes in their place and zeroes in the others.
  unsigned min_size = 1;
  unsigned max_size = 8;
  // True if unaligned accesses reach the device as they are, else they are split.
  bool unaligned = false;

  // MmioHandler::of<&Uart::read, &Uart::write>(uart): members taking (u64 offset, unsigned size)
  // and (u64 offset, u64 value, unsigned size).
  template <auto Read, auto Write, class T>
  static MmioHandler of(T& self) {
    MmioHandler h;
    h.self = &self;
    h.read = [](void* s, u64 offset, unsigned size) -> u64 {
      return (static_cast<T*>(s)->*Read)(offset, size);
    };
    h.write = [](void* s, u64 offset, u64 value, unsigned size) {
      (static_cast<T*>(s)->*Write)(offset, value, size);
    };
    return h;
  }
  MmioHandler sizes(unsigned min, unsigned max) const {
    MmioHandler h = *this;
    h.min_size = min;
    h.max_size = max;
    return h;
  }
};

class AddressSpace;

// A node of the tree. Its address is its identity: it neither moves nor copies, and must outlive
// its place in the tree (the destructor takes it out).
class MemoryRegion {
 public:
  enum class Kind { Container, Ram, Rom, Mmio, Alias };

  // A region that only holds others; size in bytes (use kMaxSize for a whole address space).
  static std::unique_ptr<MemoryRegion> container(std::string name, u64 size);
  // RAM or ROM over [block_offset, block_offset+size) of a block. A guest's write to ROM is
  // dropped (AccessError).
  static std::unique_ptr<MemoryRegion> ram(std::string name, std::shared_ptr<RamBlock> block,
                                           u64 block_offset, u64 size);
  static std::unique_ptr<MemoryRegion> rom(std::string name, std::shared_ptr<RamBlock> block,
                                           u64 block_offset, u64 size);
  // ROM whose writes a device takes, such as flash memory; it is read like any ROM.
  static std::unique_ptr<MemoryRegion> rom_device(std::string name, std::shared_ptr<RamBlock> block,
                                                  u64 block_offset, u64 size,
                                                  const MmioHandler& handler);
  static std::unique_ptr<MemoryRegion> mmio(std::string name, u64 size, const MmioHandler& handler);
  // A window onto [offset, offset+size) of another region.
  static std::unique_ptr<MemoryRegion> alias(std::string name, MemoryRegion& target, u64 offset,
                                             u64 size);
  ~MemoryRegion();
  MemoryRegion(const MemoryRegion&) = delete;
  MemoryRegion& operator=(const MemoryRegion&) = delete;

  static constexpr u64 kMaxSize = ~u64{0};

  const std::string& name() const { return name_; }
  Kind kind() const { return kind_; }
  u64 size() const { return size_; }
  u64 address() const { return address_; }  // offset in the parent
  int priority() const { return priority_; }
  bool enabled() const { return enabled_; }
  MemoryRegion* parent() const { return parent_; }
  const std::vector<MemoryRegion*>& subregions() const { return subregions_; }
  const MmioHandler& handler() const { return handler_; }
  // Of Mmio: shows accesses to its registers.
  const TracePoint& trace() const { return *trace_; }
  const std::shared_ptr<RamBlock>& block() const { return block_; }
  u64 block_offset() const { return block_offset_; }
  MemoryRegion* alias_target() const { return target_; }
  u64 alias_offset() const { return block_offset_; }

  // The child is not owned. Where regions overlap, the higher priority answers; equal
  // priorities: the one added last. A child is cut off at the end of its parent.
  void add_subregion(u64 address, MemoryRegion& child, int priority = 0);
  void remove_subregion(MemoryRegion& child);
  void set_enabled(bool enabled);
  void set_address(u64 address);
  void set_size(u64 size);
  void set_alias_offset(u64 offset);
  // Turns a RAM region into a ROM one and back (PAM registers); of no effect on other kinds.
  void set_readonly(bool readonly);
  bool readonly() const { return kind_ == Kind::Rom; }

  // A write to an MMIO region that signals an eventfd. Where a listener takes care of it (the
  // host's kernel), it does not reach the handler; where none does, it does.
  struct Eventfd {
    u64 offset = 0;      // in the region
    unsigned size = 0;   // bytes written; 0: any number
    bool match = false;  // only writes of `value`
    u64 value = 0;
    EventFd* event = nullptr;
    bool operator==(const Eventfd&) const = default;
  };
  void add_eventfd(const Eventfd& eventfd);
  void remove_eventfd(const Eventfd& eventfd);
  const std::vector<Eventfd>& eventfds() const { return eventfds_; }

  // Several changes, one new view: views are rebuilt when the outermost batch ends.
  class Batch {
   public:
    Batch();
    ~Batch();
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
  };

 private:
  friend class MemoryTopology;
  MemoryRegion(std::string name, Kind kind, u64 size);

  std::string name_;
  Kind kind_;
  u64 size_;
  u64 address_ = 0;
  int priority_ = 0;
  bool enabled_ = true;
  MemoryRegion* parent_ = nullptr;
  std::vector<MemoryRegion*> subregions_;  // highest priority first
  std::vector<MemoryRegion*> aliases_;     // aliases of this region
  MmioHandler handler_;
  std::unique_ptr<TracePoint> trace_;
  std::vector<Eventfd> eventfds_;
  std::shared_ptr<RamBlock> block_;
  u64 block_offset_ = 0;  // for an alias: offset in the target
  MemoryRegion* target_ = nullptr;
};

// [start, start+size) of an address space that one region answers.
struct FlatRange {
  u64 start = 0;
  u64 size = 0;
  MemoryRegion* region = nullptr;  // Ram, Rom or Mmio
  u64 offset = 0;                  // in the region, at start
  // For Ram and Rom: the block, the offset in it at start, and the host address of start.
  RamBlock* block = nullptr;
  u64 block_offset = 0;
  u8* host = nullptr;
  bool readonly = false;

  bool is_ram() const { return host != nullptr; }
  // Whether a write is for the region's handler.
  bool takes_writes() const {
    return !is_ram() || (readonly && region->handler().write != nullptr);
  }
};

// An immutable flattening of the tree: ranges sorted by address, not overlapping.
class FlatView {
 public:
  explicit FlatView(std::vector<FlatRange> ranges);
  // The range that answers at an address, or null.
  const FlatRange* find(u64 address) const;
  // The first range that ends after an address, or null: it answers there, or is the next that
  // answers anywhere.
  const FlatRange* find_or_next(u64 address) const;
  const std::vector<FlatRange>& ranges() const { return ranges_; }

 private:
  std::vector<FlatRange> ranges_;
  // Whoever reads this view keeps its memory, also when a region has left the tree meanwhile.
  std::vector<std::shared_ptr<RamBlock>> blocks_;
};

// Sees the difference between two views. Called under the machine lock, after the new view is
// in place: first begin, then removals, then additions, then commit; and then the same of
// eventfds.
class MemoryListener {
 public:
  virtual void begin() {}
  virtual void region_removed(const FlatRange&) {}
  virtual void region_added(const FlatRange&) {}
  virtual void commit() {}
  // Whether it can tell which pages of RAM the guest writes; then it is told where to (also of a
  // range added while RamBlock::logs_writes()), and marks what was written when it is asked.
  virtual bool keeps_dirty_log() const { return false; }
  virtual void dirty_log_started(const FlatRange&) {}
  virtual void dirty_log_stopped(const FlatRange&) {}
  virtual void collect_dirty(const FlatRange&) {}
  // Whether it takes care of eventfds; then it is told of each, with its address.
  virtual bool takes_eventfds() const { return false; }
  virtual void eventfd_added(u64 /*address*/, const MemoryRegion::Eventfd&) {}
  virtual void eventfd_removed(u64 /*address*/, const MemoryRegion::Eventfd&) {}

 protected:
  ~MemoryListener() = default;
};

// A root region seen as an address space: system memory, the port space, a bus master's view.
class AddressSpace {
 public:
  AddressSpace(std::string name, MemoryRegion& root);
  ~AddressSpace();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  const std::string& name() const { return name_; }
  MemoryRegion& root() const { return root_; }

  // The current view; never null. Keep the pointer only while it is used. Any thread, no lock.
  std::shared_ptr<const FlatView> view() const;
  // The same without counting a reference: good until the calling thread next uses an address
  // space. For paths that are taken millions of times, such as the page walk.
  const FlatView& cached_view() const;
  // Counts up at each change of the view: caches of the view compare it. Any thread.
  u64 generation() const { return generation_.load(std::memory_order_acquire); }

  // Reads or writes any number of bytes. RAM is accessed on the calling thread; MMIO pieces are
  // dispatched under the machine lock (taken if not held). Reads that nothing answers give 0xff.
  // A device's handler that reaches itself again through this call gets AccessError.
  MemResult read(u64 address, void* data, u64 size);
  MemResult write(u64 address, const void* data, u64 size);
  // Sets bytes of RAM to value without a buffer; MMIO and ROM give AccessError.
  MemResult fill(u64 address, u8 value, u64 size);

  // The same for a debugger, which may write to ROM; a device is read as the guest reads it, and
  // not written, unless it has a DebugAccess. What comes before the first failure is done. Machine
  // lock.
  MemResult debug_read(u64 address, void* data, u64 size);
  MemResult debug_write(u64 address, const void* data, u64 size);

  // A direct pointer to [address, address+size) if it is RAM in one piece (and, for writing, not
  // ROM; pages with code are reported first); null otherwise. Good while that RAM is in the
  // machine. Any thread.
  u8* ram_pointer(u64 address, u64 size, bool for_write);

  // Numbers of 1, 2, 4 or 8 bytes, little-endian; aligned ones in RAM are accessed in one piece.
  // A failed load gives all ones.
  template <class T>
  T load(u64 address) {
    T value{};
    read(address, &value, sizeof value);
    return value;
  }
  template <class T>
  MemResult store(u64 address, T value) {
    return write(address, &value, sizeof value);
  }

  // The listener is told of all present ranges at once. Machine lock.
  void add_listener(MemoryListener& listener);
  void remove_listener(MemoryListener& listener);

  // The listeners that keep a dirty log, for DirtyLog. Machine lock.
  std::vector<MemoryListener*> dirty_log_keepers() const;
  // Whether some listener takes care of eventfds (MemoryRegion::Eventfd). Machine lock.
  bool takes_eventfds() const;

  // The tree and what is seen of it: {"name", "regions": [REGION], "view": [RANGE]}. A region has
  // name, kind, start and end (the last address; both in the address space), priority, enabled, of
  // an alias what it shows, and the regions in it; a range name, kind, start, end and where in its
  // region that is. Machine lock.
  Value describe() const;

 private:
  friend class MemoryTopology;
  friend class DebugAccess;
  // FlatView::find_or_next in the cached view, quick where an access follows another to its range.
  const FlatRange* look_up(u64 address) const;
  struct Impl;
  std::string name_;
  MemoryRegion& root_;
  std::atomic<u64> generation_{0};
  std::unique_ptr<Impl> impl_;
};

// What answers a debugger in place of a region's handler while this object lives: it changes
// nothing of the device but the memory that is written. Machine lock.
class DebugAccess {
 public:
  DebugAccess(AddressSpace& space, const MemoryRegion& region, const MmioHandler& handler);
  ~DebugAccess();
  DebugAccess(const DebugAccess&) = delete;
  DebugAccess& operator=(const DebugAccess&) = delete;

 private:
  AddressSpace& space_;
  const MemoryRegion& region_;
};

// Dispatches one access of 1, 2, 4 or 8 bytes to an MMIO range, splitting or widening as the
// handler asks. An access that leaves the range gets DecodeError and does not reach the device.
// Machine lock held.
MemResult mmio_read(const FlatRange& range, u64 address, u64& value, unsigned size);
MemResult mmio_write(const FlatRange& range, u64 address, u64 value, unsigned size);

}  // namespace backplane
