// SPDX-License-Identifier: MIT
// All translated blocks, found by physical address and mode, and the pages they were made from.
//
// Lock order: machine lock, then lock(). Every member is called with lock() held unless it says
// otherwise. A flush needs that no vCPU runs translated code.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "backplane/memory.h"
#include "cache/block.h"
#include "cache/cache_lock.h"
#include "emit/assembler.h"
#include "runtime/zeroed_array.h"

namespace backplane::tcg {

// Granularity at which writes to a page with code are told apart, in bytes.
constexpr unsigned kGranule = 64;

class CodeCache {
 public:
  explicit CodeCache(u64 buffer_size);

  CacheLock& lock() { return lock_; }
  Assembler& assembler() { return assembler_; }

  // Marks what was emitted so far (stubs) as permanent.
  void seal() { permanent_ = assembler_.here(); }
  // True if another block may not fit: flush() first.
  bool full() const {
    return assembler_.here() + kReserve > cold_base_ ||
           cold_position_ + kReserve > assembler_.buffer().size();
  }
  // Where code that runs rarely is emitted, in the second half of the buffer.
  u32 cold_position() const { return cold_position_; }
  void set_cold_position(u32 offset) { cold_position_ = offset; }
  u64 size() const { return buffer_.size(); }
  u64 bytes_used() const { return assembler_.here() + u64{cold_position_ - cold_base_}; }
  void flush();

  // What is needed to jump to a block, beside each other: looking for one is to wait for memory.
  struct Place {
    const u8* host_pc = nullptr;  // null: no block
    Block* block = nullptr;
    u32 mode = 0;
    u32 entry = 0;
    bool in_two_pages = false;
  };
  // Null if there is none.
  const Place* find_place(const u8* host_pc, Mode mode) const {
    for (u32 at = home_of(host_pc, mode.bits); places_[at].host_pc != nullptr; at = behind(at))
      if (places_[at].host_pc == host_pc && places_[at].mode == mode.bits) return &places_[at];
    return nullptr;
  }
  Block* find(const u8* host_pc, Mode mode) const {
    const Place* const place = find_place(host_pc, mode);
    return place != nullptr ? place->block : nullptr;
  }
  Block& create();
  // Makes a finished block known; its pages get kHasCode. `ram` and `ram_offset` name the page. As
  // blocks are found by host address, the memory is held as long as there are some.
  void publish(Block& block, std::shared_ptr<RamBlock> ram, u64 ram_offset,
               std::shared_ptr<RamBlock> second, u64 second_offset);

  JumpSite& create_site(Block& from);
  JumpSite& site(u32 index) { return sites_[index]; }
  // Lets a site jump straight to a block.
  void link(JumpSite& site, Block& to);
  void unlink(JumpSite& site);
  // What the inline cache of a site between pages compares with.
  void set_tag(JumpSite& site, u64 tag) {
    ++counters_.tags;
    __atomic_store_n(reinterpret_cast<u64*>(buffer_.writable() + site.tag), tag, __ATOMIC_RELEASE);
  }

  void add_point(const CodePoint& point) { points_.push_back(point); }
  void set_point_flags(u32 point, u32 flags) { points_[point].flags = flags; }
  u32 point_count() const { return static_cast<u32>(points_.size()); }
  // The guest instruction a host code position belongs to; null if none.
  Block* block_at(u32 host_offset);
  const CodePoint* point_at(const Block& block, u32 host_offset) const;

  // True if blocks were made from the page.
  bool has_blocks(const u8* host_page) const { return pages_.contains(host_page); }

  // Forgets the blocks with a byte in [offset, offset+size) of the page. Returns how many.
  // Clears the page's kHasCode if none is left.
  unsigned invalidate(const u8* host_page, u64 offset, u64 size);
  // True if a block was made from a byte of that range.
  bool has_code(const u8* host_page, u64 offset, u64 size) const;

  // The same, given a host address within the page; takes lock().
  unsigned invalidate_locked(const u8* host, u64 size);

  bool has_code_locked(const u8* host, u64 size);

  // To be told, under lock(), of a host page that is written to, or whose writers need not report
  // any more as no block is left; null: of all such pages.
  void set_change_hook(std::function<void(const u8* host_page)> hook) {
    change_hook_ = std::move(hook);
  }
  void tell_of_change(const u8* host_page) {
    if (change_hook_) change_hook_(host_page);
  }

  // A number that no inline cache has seen since the last flush; 0 in the bits that tell pages
  // apart. Any thread.
  u64 new_site_generation() {
    const u64 n = next_generation_.fetch_add(1, std::memory_order_relaxed);
    return (n & 0xfff) | (n >> 12) << 48;
  }

  struct Counters {
    u64 blocks = 0, guest_bytes = 0, host_bytes = 0, cold_bytes = 0, invalidated = 0, flushes = 0,
        links = 0;
    u64 tags = 0;      // of links between pages, set for the first time or again
    u64 examined = 0;  // blocks that writes were compared with
  };
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }

 private:
  static constexpr u32 kReserve = 256 << 10;
  static constexpr u32 kFirstPlaces = 1 << 12;
  static_assert(sizeof(Place) == 32, "two in a line of the host's cache");
  // Blocks near each other in the guest's code are near each other in the table, as they run soon
  // after each other: so many bytes of code to a place, which is about the length of a block.
  static constexpr u64 kPlaceSpacing = 32;

  // A block in the list of a granule that it has bytes in.
  struct GranuleEntry {
    Block* block;
    u32 next;  // index + 1
  };
  struct PageCode {
    std::array<u32, kPageSize / kGranule> first{};  // of each granule's entries, index + 1
    u64 granules = 0;                               // that have entries
    u32 blocks = 0;
    std::shared_ptr<RamBlock> ram;
    u64 ram_offset = 0;
  };
  u32 home_of(const u8* host_pc, u32 mode) const {
    const u64 at = reinterpret_cast<u64>(host_pc);
    const u64 page = (at & kPageMask) * 0x9e3779b97f4a7c15 + mode * u64{0x85ebca6b0000};
    const u64 in_page = (at & ~kPageMask) / kPlaceSpacing;
    return static_cast<u32>((page >> 40) + in_page) & static_cast<u32>(places_.size() - 1);
  }
  u32 behind(u32 place) const { return (place + 1) & static_cast<u32>(places_.size() - 1); }
  void put(const Place& place);
  void remove_place(const Block& block);
  void retire(Block& block);
  void note_page(Block& block, const u8* host_page, std::shared_ptr<RamBlock> ram, u64 ram_offset);
  // Takes a block out of a page's lists; the page goes with its last.
  void leave_page(Block& block, const u8* host_page);

  CacheLock lock_;
  CodeBuffer buffer_;
  Assembler assembler_;
  u32 permanent_ = 0;
  u32 cold_base_;
  u32 cold_position_;
  // By hash, at most half full: whoever finds its place taken is in one behind it.
  ZeroedArray<Place> places_;
  u32 places_taken_ = 0;
  std::deque<Block> blocks_;  // in the order of their host code, hot and cold
  std::deque<JumpSite> sites_;
  std::vector<CodePoint> points_;
  std::unordered_map<const u8*, PageCode> pages_;
  std::vector<GranuleEntry> entries_;
  u32 free_entry_ = 0;  // index + 1
  std::atomic<u64> next_generation_{1};
  std::function<void(const u8*)> change_hook_;
  Counters counters_;
};

}  // namespace backplane::tcg
