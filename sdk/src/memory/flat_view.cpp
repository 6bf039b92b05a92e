// SPDX-License-Identifier: MIT
#include <algorithm>

#include "backplane/memory.h"

namespace backplane {

FlatView::FlatView(std::vector<FlatRange> ranges) : ranges_(std::move(ranges)) {
  for (const FlatRange& range : ranges_)
    if (range.block != nullptr &&
        std::none_of(blocks_.begin(), blocks_.end(),
                     [&](const auto& block) { return block.get() == range.block; }))
      blocks_.push_back(range.region->block());
}

const FlatRange* FlatView::find_or_next(u64 address) const {
  const auto next = std::partition_point(
      ranges_.begin(), ranges_.end(),
      [address](const FlatRange& range) { return range.start + (range.size - 1) < address; });
  return next == ranges_.end() ? nullptr : &*next;
}

const FlatRange* FlatView::find(u64 address) const {
  const FlatRange* const range = find_or_next(address);
  return range != nullptr && range->start <= address ? range : nullptr;
}

}  // namespace backplane
