// SPDX-License-Identifier: MIT
#include "dirty_tiles.h"

namespace backplane::vnc {

void DirtyTiles::resize(u32 width, u32 height) {
  width_ = width;
  height_ = height;
  tiles_.assign(u64{columns()} * ((height + kSide - 1) / kSide), false);
  any_ = false;
  mark_all();
}

void DirtyTiles::mark(const Rectangle& given) {
  const Rectangle what = given.clipped(width_, height_);
  if (what.empty()) return;
  for (u32 y = what.y / kSide; y <= (what.y + what.height - 1) / kSide; ++y)
    for (u32 x = what.x / kSide; x <= (what.x + what.width - 1) / kSide; ++x)
      tiles_[u64{y} * columns() + x] = true;
  any_ = true;
}

std::vector<Rectangle> DirtyTiles::take() {
  std::vector<Rectangle> found;
  std::size_t above = 0;  // the first rectangle of the row of tiles above
  for (u32 y = 0; y * kSide < height_; ++y) {
    const std::size_t row = found.size();
    for (u32 x = 0; x < columns(); ++x) {
      if (!tiles_[u64{y} * columns() + x]) continue;
      const u32 first = x;
      while (x < columns() && tiles_[u64{y} * columns() + x]) ++x;
      found.push_back(
          Rectangle{first * kSide, y * kSide, (x - first) * kSide, kSide}.clipped(width_, height_));
    }
    // The same runs as above make those higher.
    bool same = found.size() - row == row - above && row != above;
    for (std::size_t n = 0; same && n < row - above; ++n)
      same = found[above + n].x == found[row + n].x &&
             found[above + n].width == found[row + n].width &&
             found[above + n].y + found[above + n].height == found[row + n].y;
    if (!same) {
      above = row;
      continue;
    }
    for (std::size_t n = 0; n < row - above; ++n) found[above + n].height += found[row + n].height;
    found.resize(row);
  }
  tiles_.assign(tiles_.size(), false);
  any_ = false;
  return found;
}

}  // namespace backplane::vnc
