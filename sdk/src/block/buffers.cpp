// SPDX-License-Identifier: MIT
#include "block/buffers.h"

#include <algorithm>
#include <cstring>

namespace backplane {

namespace {

bool is_zero(const u8* data, std::size_t size) {
  return size == 0 || (data[0] == 0 && std::memcmp(data, data + 1, size - 1) == 0);
}

}  // namespace

bool total_size(const std::vector<iovec>& iov, u64& size) {
  size = 0;
  for (const iovec& piece : iov)
    if (__builtin_add_overflow(size, piece.iov_len, &size)) return false;
  return true;
}

bool all_zero(const std::vector<iovec>& iov) {
  return std::all_of(iov.begin(), iov.end(), [](const iovec& piece) {
    return is_zero(static_cast<const u8*>(piece.iov_base), piece.iov_len);
  });
}

}  // namespace backplane
