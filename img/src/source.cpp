// SPDX-License-Identifier: MIT
#include "source.h"

#include <algorithm>

namespace backplane::img {

Source::Source(std::vector<std::unique_ptr<OpenImage>> images) {
  for (std::unique_ptr<OpenImage>& image : images) {
    const u64 size = image->node().size();
    parts_.push_back({std::move(image), size_});
    size_ += size;
  }
}

const Source::Part& Source::part_at(u64 offset) const {
  // The last that begins there or before, which is not an empty one.
  auto part = parts_.rbegin();
  while (part->begin > offset) ++part;
  return *part;
}

Layer Source::layer(u64 offset, u64 most) const {
  const Part& part = part_at(offset);
  BlockNode& node = part.image->node();
  const u64 within = offset - part.begin;
  return layer_at(node, within, std::min(most, node.size() - within));
}

void Source::read(u64 offset, std::span<u8> data) const {
  while (!data.empty()) {
    const Part& part = part_at(offset);
    BlockNode& node = part.image->node();
    const u64 within = offset - part.begin;
    const u64 size = std::min<u64>(data.size(), node.size() - within);
    expect_done(node, node.read(within, data.data(), size));
    data = data.subspan(size);
    offset += size;
  }
}

}  // namespace backplane::img
