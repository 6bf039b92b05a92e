// SPDX-License-Identifier: MIT
#include "drive/identity.h"

#include <numeric>

namespace backplane::ide {

void Identity::word(unsigned index, u64 value) {
  bytes_[index * 2] = static_cast<u8>(value);
  bytes_[index * 2 + 1] = static_cast<u8>(value >> 8);
}

void Identity::words(unsigned index, u64 value, unsigned count) {
  for (unsigned i = 0; i < count; ++i) word(index + i, value >> i * 16);
}

void Identity::text(unsigned index, unsigned words, std::string_view text) {
  const auto character = [text](unsigned at) {
    return static_cast<u8>(at < text.size() ? text[at] : ' ');
  };
  for (unsigned i = 0; i < words; ++i)
    word(index + i, u64{character(i * 2)} << 8 | character(i * 2 + 1));
}

std::vector<u8> Identity::finished() const {
  constexpr u8 kSignature = 0xa5;
  std::vector<u8> bytes = bytes_;
  bytes[bytes.size() - 2] = kSignature;
  const unsigned sum = std::accumulate(bytes.begin(), bytes.end() - 1, 0u);
  bytes.back() = static_cast<u8>(0 - sum);
  return bytes;
}

}  // namespace backplane::ide
