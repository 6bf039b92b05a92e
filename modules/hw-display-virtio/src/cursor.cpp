// SPDX-License-Identifier: MIT
#include "cursor.h"

#include <algorithm>

namespace backplane::virtio_gpu {

namespace {

// One colour over another, of which `alpha` of 255 is covered. The colour was multiplied by that,
// as is usual.
u32 blended(u32 over, u32 below, u32 alpha) {
  u32 result = 0;
  for (const unsigned shift : {0U, 8U, 16U}) {
    const u32 a = over >> shift & 0xff, b = below >> shift & 0xff;
    result |= std::min<u32>(a + (b * (255 - alpha) + 127) / 255, 255) << shift;
  }
  return result;
}

}  // namespace

void Cursor::show(const Resource& picture) {
  std::array<u32, kCursorSide> row;
  for (u32 y = 0; y < kCursorSide; ++y) {
    picture.copy_row(0, y, row);
    for (u32 x = 0; x < kCursorSide; ++x)
      pixels_[y * kCursorSide + x] = {row[x], picture.alpha(x, y)};
  }
  visible_ = true;
}

Rectangle Cursor::rows(u32 screen_height) const {
  const i64 first = std::clamp<i64>(y_, 0, screen_height);
  const i64 end = std::clamp<i64>(y_ + kCursorSide, 0, screen_height);
  if (!visible_ || end <= first) return {};
  return {0, static_cast<u32>(first), 1, static_cast<u32>(end - first)};
}

void Cursor::draw(u32 y, std::span<u32> row) const {
  if (!visible_ || y < y_ || y >= y_ + kCursorSide) return;
  const Pixel* const pixels = &pixels_[static_cast<std::size_t>(y - y_) * kCursorSide];
  for (u32 n = 0; n < kCursorSide; ++n)
    if (const i64 x = x_ + n; x >= 0 && x < static_cast<i64>(row.size())) {
      u32& below = row[static_cast<std::size_t>(x)];
      below = blended(pixels[n].colour, below, pixels[n].alpha);
    }
}

}  // namespace backplane::virtio_gpu
