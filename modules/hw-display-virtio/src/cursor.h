// SPDX-License-Identifier: MIT
// The picture of the pointer, which the device draws over the screen.
// [virtio-1.2 §5.7.6.10 "Device Operation: cursorq"]
#pragma once

#include <array>
#include <span>

#include "backplane/display.h"
#include "resource.h"

namespace backplane::virtio_gpu {

class Cursor {
 public:
  void hide() { visible_ = false; }
  // Of a resource of kCursorSide pixels in both directions.
  void show(const Resource& picture);
  // Where its upper left corner is; it may be beyond the screen's edge.
  void place(i64 x, i64 y) {
    x_ = x;
    y_ = y;
  }
  // Rows that it covers: from the first on, as many. None if it is not seen.
  Rectangle rows(u32 screen_height) const;
  // Draws what it covers of row y.
  void draw(u32 y, std::span<u32> row) const;

 private:
  struct Pixel {
    u32 colour = 0, alpha = 0;
  };
  std::array<Pixel, kCursorSide * kCursorSide> pixels_{};
  bool visible_ = false;
  i64 x_ = 0, y_ = 0;
};

}  // namespace backplane::virtio_gpu
