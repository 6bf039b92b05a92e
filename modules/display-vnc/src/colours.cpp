// SPDX-License-Identifier: MIT
#include "colours.h"

#include <algorithm>
#include <utility>

namespace backplane::vnc {

std::vector<u32> colours_of(const Picture& picture, const Rectangle& tile, std::size_t most) {
  std::vector<std::pair<u32, u32>> counted;  // how often, which
  for_each_run(picture, tile, [&](u32 colour, u32, u32, u32 length) {
    const auto found = std::find_if(counted.begin(), counted.end(),
                                    [&](const auto& entry) { return entry.second == colour; });
    if (found != counted.end())
      found->first += length;
    else if (counted.size() <= most)
      counted.emplace_back(length, colour);
  });
  std::stable_sort(counted.begin(), counted.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<u32> colours;
  for (const auto& entry : counted) colours.push_back(entry.second);
  return colours;
}

}  // namespace backplane::vnc
