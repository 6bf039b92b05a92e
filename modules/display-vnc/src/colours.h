// SPDX-License-Identifier: MIT
// Colours of a part of a picture.
#pragma once

#include <cstddef>
#include <vector>

#include "encoder.h"

namespace backplane::vnc {

// Calls each(colour, x, y, length) for the runs of each line, in the tile.
template <class Each>
void for_each_run(const Picture& picture, const Rectangle& tile, Each each) {
  for (u32 y = 0; y < tile.height; ++y)
    for (u32 x = 0; x < tile.width;) {
      const u32 colour = picture.at(tile.x + x, tile.y + y);
      u32 end = x + 1;
      while (end < tile.width && picture.at(tile.x + end, tile.y + y) == colour) ++end;
      each(colour, x, y, end - x);
      x = end;
    }
}

// The colours of a tile, the most frequent one first; at most so many and one more.
std::vector<u32> colours_of(const Picture& picture, const Rectangle& tile, std::size_t most);

}  // namespace backplane::vnc
