// SPDX-License-Identifier: MIT
#include "zeroes.h"

#include <algorithm>
#include <cstring>

namespace backplane::img {

bool is_zero(std::span<const u8> data) {
  return data.empty() ||
         (data[0] == 0 && std::memcmp(data.data(), data.data() + 1, data.size() - 1) == 0);
}

Stretch first_stretch(std::span<const u8> data, u64 least) {
  if (least == 0) return {data.size(), false};
  const auto piece_at = [&](u64 at) {
    return data.subspan(at, std::min<u64>(least, data.size() - at));
  };
  const bool zero = is_zero(piece_at(0));
  u64 size = 0;
  while (size < data.size() && is_zero(piece_at(size)) == zero) size += piece_at(size).size();
  return {size, zero};
}

}  // namespace backplane::img
