// SPDX-License-Identifier: MIT
#include "memory/flatten.h"

#include <algorithm>

namespace backplane {

namespace {

// Addresses while flattening: an alias may shift its target below zero, and a region's end may be
// 2^64.
using Address = __int128;

struct Window {
  Address start;
  Address end;
  bool empty() const { return start >= end; }
  Window cut(Address from, Address to) const { return {std::max(start, from), std::min(end, to)}; }
};

// More nesting than any board has: a loop of aliases, which shows nothing.
constexpr int kMaxDepth = 64;

class Flattener {
 public:
  // Adds what `region`, its first byte at `base`, shows inside `window` where nothing is yet.
  void add(const MemoryRegion& region, Address base, const Window& window, int depth) {
    if (!region.enabled() || depth > kMaxDepth) return;
    const Window visible = window.cut(base, base + region.size());
    if (visible.empty()) return;
    if (region.kind() == MemoryRegion::Kind::Alias) {
      if (region.alias_target() != nullptr)
        add(*region.alias_target(), base - region.alias_offset(), visible, depth + 1);
      return;
    }
    for (const MemoryRegion* const child : region.subregions())
      add(*child, base + child->address(), visible, depth + 1);
    if (region.kind() != MemoryRegion::Kind::Container) fill_gaps(region, base, visible);
  }

  std::vector<FlatRange> take() {
    join();
    return std::move(ranges_);
  }

 private:
  void fill_gaps(const MemoryRegion& region, Address base, const Window& window) {
    Address at = window.start;
    std::size_t i = 0;
    while (at < window.end) {
      while (i < ranges_.size() && end_of(ranges_[i]) <= at) ++i;
      const Address next = i < ranges_.size() ? Address{ranges_[i].start} : window.end;
      if (next > at) {
        const Address end = std::min(next, window.end);
        ranges_.insert(ranges_.begin() + static_cast<std::ptrdiff_t>(i),
                       make(region, base, at, end));
        at = end;
      } else {
        at = end_of(ranges_[i]);
      }
    }
  }

  static Address end_of(const FlatRange& range) { return Address{range.start} + range.size; }

  static FlatRange make(const MemoryRegion& region, Address base, Address start, Address end) {
    FlatRange range;
    range.start = static_cast<u64>(start);
    range.size = static_cast<u64>(end - start);
    range.region = const_cast<MemoryRegion*>(&region);
    range.offset = static_cast<u64>(start - base);
    if (RamBlock* const block = region.block().get(); block != nullptr) {
      range.block = block;
      range.block_offset = region.block_offset() + range.offset;
      range.host = block->host() + range.block_offset;
      range.readonly = region.readonly();
    }
    return range;
  }

  void join() {
    std::vector<FlatRange> joined;
    for (const FlatRange& range : ranges_) {
      if (!joined.empty()) {
        FlatRange& last = joined.back();
        if (last.region == range.region && end_of(last) == range.start &&
            last.offset + last.size == range.offset) {
          last.size += range.size;
          continue;
        }
      }
      joined.push_back(range);
    }
    ranges_ = std::move(joined);
  }

  std::vector<FlatRange> ranges_;
};

}  // namespace

std::vector<FlatRange> flatten(const MemoryRegion& root) {
  Flattener flattener;
  flattener.add(root, 0, {0, MemoryRegion::kMaxSize}, 0);
  return flattener.take();
}

}  // namespace backplane
