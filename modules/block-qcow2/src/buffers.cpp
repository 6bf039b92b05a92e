// SPDX-License-Identifier: MIT
#include "buffers.h"

namespace backplane::qcow2 {

namespace {

alignas(4096) u8 zeroes[64_KiB];  // writing only reads from it

}  // namespace

std::vector<iovec> part_of(std::span<const iovec> iov, u64 from, u64 size) {
  std::vector<iovec> part;
  for (const iovec& piece : iov) {
    if (size == 0) break;
    if (from >= piece.iov_len) {
      from -= piece.iov_len;
      continue;
    }
    const u64 length = std::min<u64>(piece.iov_len - from, size);
    part.push_back({static_cast<u8*>(piece.iov_base) + from, length});
    size -= length;
    from = 0;
  }
  return part;
}

u64 total_of(std::span<const iovec> iov) {
  u64 size = 0;
  for (const iovec& piece : iov) size += piece.iov_len;
  return size;
}

void clear(std::span<const iovec> iov) {
  for (const iovec& piece : iov) std::memset(piece.iov_base, 0, piece.iov_len);
}

void copy_to(std::span<const iovec> iov, const u8* from) {
  for (const iovec& piece : iov) {
    std::memcpy(piece.iov_base, from, piece.iov_len);
    from += piece.iov_len;
  }
}

std::vector<u8> gathered(std::span<const iovec> iov) {
  std::vector<u8> bytes;
  bytes.reserve(total_of(iov));
  for (const iovec& piece : iov) {
    const auto* const data = static_cast<const u8*>(piece.iov_base);
    bytes.insert(bytes.end(), data, data + piece.iov_len);
  }
  return bytes;
}

void append_zeroes(std::vector<iovec>& iov, u64 size) {
  for (; size != 0; size -= iov.back().iov_len)
    iov.push_back({zeroes, std::min<u64>(size, sizeof zeroes)});
}

}  // namespace backplane::qcow2
