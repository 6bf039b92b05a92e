// SPDX-License-Identifier: MIT
// Some instructions' bytes, put together before they go into the code buffer.
#pragma once

#include <cstring>

#include "backplane/types.h"

namespace backplane::tcg {

class CodeBytes {
 public:
  template <class... Byte>
  void add(Byte... bytes) {
    ((bytes_[size_++] = static_cast<u8>(bytes)), ...);
  }
  void add32(u32 value) { add_number(&value, sizeof value); }
  // The low `size` bytes, at most 8.
  void add_number(const void* value, u32 size) {
    std::memcpy(bytes_ + size_, value, size);
    size_ += size;
  }

  const u8* data() const { return bytes_; }
  u32 size() const { return size_; }

 private:
  static constexpr u32 kRoom = 64;
  u8 bytes_[kRoom];
  u32 size_ = 0;
};

}  // namespace backplane::tcg
