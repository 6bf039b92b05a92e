// SPDX-License-Identifier: MIT
#include "block/buffers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace backplane {

namespace {

bool is_zero(const u8* data, std::size_t size) {
  return size == 0 || (data[0] == 0 && std::memcmp(data, data + 1, size - 1) == 0);
}

}  // namespace

bool total_size(std::span<const iovec> iov, u64& size) {
  size = 0;
  for (const iovec& piece : iov)
    if (__builtin_add_overflow(size, piece.iov_len, &size)) return false;
  return true;
}

std::string readable_size(u64 bytes) {
  for (const auto& [unit, name] : {std::pair{1_GiB, "GiB"}, {1_MiB, "MiB"}, {1_KiB, "KiB"}})
    if (bytes >= unit && bytes % unit == 0) return fmt::format("{} {}", bytes / unit, name);
  return fmt::format("{} bytes", bytes);
}

bool all_zero(std::span<const iovec> iov) {
  return std::all_of(iov.begin(), iov.end(), [](const iovec& piece) {
    return is_zero(static_cast<const u8*>(piece.iov_base), piece.iov_len);
  });
}

}  // namespace backplane
