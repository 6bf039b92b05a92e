// SPDX-License-Identifier: MIT
// Numbers and texts as they go over the wire: big-endian, without gaps.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/types.h"

namespace backplane::nbd {

class FieldWriter {
 public:
  FieldWriter& u16_field(u64 value) { return put(value, 2); }
  FieldWriter& u32_field(u64 value) { return put(value, 4); }
  FieldWriter& u64_field(u64 value) { return put(value, 8); }
  FieldWriter& text(std::string_view text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }
  FieldWriter& zeroes(std::size_t count) {
    bytes_.insert(bytes_.end(), count, 0);
    return *this;
  }
  std::span<const u8> bytes() const { return bytes_; }

 private:
  FieldWriter& put(u64 value, unsigned size) {
    for (unsigned shift = 8 * size; shift != 0; shift -= 8)
      bytes_.push_back(static_cast<u8>(value >> (shift - 8)));
    return *this;
  }

  std::vector<u8> bytes_;
};

// What is beyond the end reads as zero, and is_whole() says so.
class FieldReader {
 public:
  explicit FieldReader(std::span<const u8> bytes) : rest_(bytes) {}

  u16 u16_field() { return static_cast<u16>(take(2)); }
  u32 u32_field() { return static_cast<u32>(take(4)); }
  u64 u64_field() { return take(8); }
  std::string text(std::size_t size) {
    if (size > rest_.size()) whole_ = false;
    const auto part = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(part.size());
    return {part.begin(), part.end()};
  }
  std::string rest() { return text(rest_.size()); }
  std::size_t left() const { return rest_.size(); }
  // All that was taken was there.
  bool is_whole() const { return whole_; }

 private:
  u64 take(unsigned size) {
    if (size > rest_.size()) {
      whole_ = false;
      rest_ = {};
      return 0;
    }
    u64 value = 0;
    for (const u8 byte : rest_.first(size)) value = value << 8 | byte;
    rest_ = rest_.subspan(size);
    return value;
  }

  std::span<const u8> rest_;
  bool whole_ = true;
};

}  // namespace backplane::nbd
