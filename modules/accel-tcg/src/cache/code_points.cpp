// SPDX-License-Identifier: MIT
// From host code back to the guest's. Compiled without vector registers: translated code calls it
// with the guest's in place.
#include <algorithm>

#include "cache/code_cache.h"

namespace backplane::tcg {

Block* CodeCache::block_at(u32 host_offset) {
  const bool cold = host_offset >= cold_base_;
  const auto begin = cold ? &Block::cold_begin : &Block::begin;
  const auto end = cold ? &Block::cold_end : &Block::end;
  auto after = std::upper_bound(blocks_.begin(), blocks_.end(), host_offset,
                                [begin](u32 offset, const Block& b) { return offset < b.*begin; });
  if (after == blocks_.begin()) return nullptr;
  Block& block = *std::prev(after);
  return host_offset < block.*end ? &block : nullptr;
}

const CodePoint* CodeCache::point_at(const Block& block, u32 host_offset) const {
  const auto begin = points_.begin() + block.first_point;
  const auto end = begin + block.points;
  auto after = std::upper_bound(begin, end, host_offset,
                                [](u32 offset, const CodePoint& p) { return offset < p.host; });
  return after == begin ? nullptr : &*std::prev(after);
}

}  // namespace backplane::tcg
