// SPDX-License-Identifier: MIT
// Numbers of packets and their replies: the highest byte first.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "backplane/types.h"

namespace backplane::mmc {

inline u32 get16(std::span<const u8> bytes, std::size_t at) {
  return u32{bytes[at]} << 8 | bytes[at + 1];
}
inline u32 get24(std::span<const u8> bytes, std::size_t at) {
  return u32{bytes[at]} << 16 | get16(bytes, at + 1);
}
inline u32 get32(std::span<const u8> bytes, std::size_t at) {
  return get16(bytes, at) << 16 | get16(bytes, at + 2);
}

inline void put8(std::vector<u8>& out, unsigned value) { out.push_back(static_cast<u8>(value)); }
inline void put16(std::vector<u8>& out, u32 value) {
  put8(out, value >> 8);
  put8(out, value);
}
inline void put32(std::vector<u8>& out, u32 value) {
  put16(out, value >> 16);
  put16(out, value);
}
inline void put_zeroes(std::vector<u8>& out, std::size_t count) { out.resize(out.size() + count); }
// Filled up with blanks, or cut.
inline void put_text(std::vector<u8>& out, std::string_view text, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    put8(out, i < text.size() ? static_cast<u8>(text[i]) : ' ');
}
// Says at `at` how many bytes follow the two there.
inline void put_length(std::vector<u8>& out, std::size_t at) {
  const std::size_t length = out.size() - at - 2;
  out[at] = static_cast<u8>(length >> 8);
  out[at + 1] = static_cast<u8>(length);
}
// No more than the host has room for.
inline void limit(std::vector<u8>& out, std::size_t room) {
  out.resize(std::min(out.size(), room));
}

}  // namespace backplane::mmc
