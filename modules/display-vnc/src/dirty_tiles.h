// SPDX-License-Identifier: MIT
// What of a screen a client has yet to be sent, in tiles.
#pragma once

#include <vector>

#include "backplane/display.h"

namespace backplane::vnc {

class DirtyTiles {
 public:
  static constexpr u32 kSide = 16;  // pixels

  void resize(u32 width, u32 height);
  void mark(const Rectangle& what);
  void mark_all() { mark({0, 0, width_, height_}); }
  bool any() const { return any_; }
  // All of it as rectangles that do not overlap; none is dirty then.
  std::vector<Rectangle> take();

 private:
  u32 columns() const { return (width_ + kSide - 1) / kSide; }
  u32 width_ = 0, height_ = 0;
  std::vector<bool> tiles_;
  bool any_ = false;
};

}  // namespace backplane::vnc
