// SPDX-License-Identifier: MIT
// A fuzzer's bytes, read as numbers. When they run out, a generator that they seed goes on for a
// while, so that even a short input, or one changed a little, leads somewhere of its own.
#pragma once

#include <span>

#include "backplane/types.h"

namespace backplane::fuzz {

class Input {
 public:
  Input(const u8* data, std::size_t size) : given_(data, size) {
    for (const u8 byte : given_) state_ = (state_ ^ byte) * 0x100'0000'01b3;  // FNV-1a
  }

  bool empty() const { return given_.empty() && generated_ == kGenerated; }

  template <class T>
  T take() {
    u64 value = 0;
    for (unsigned i = 0; i < sizeof(T); ++i) value |= u64{take_byte()} << (8 * i);
    return static_cast<T>(value);
  }

 private:
  static constexpr unsigned kGenerated = 1500;

  u8 take_byte() {
    if (!given_.empty()) {
      const u8 byte = given_.front();
      given_ = given_.subspan(1);
      return byte;
    }
    if (generated_ == kGenerated) return 0;
    ++generated_;
    // xorshift64*
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<u8>((state_ * 0x2545'f491'4f6c'dd1d) >> 56);
  }

  std::span<const u8> given_;
  u64 state_ = 0xcbf2'9ce4'8422'2325;
  unsigned generated_ = 0;
};

}  // namespace backplane::fuzz
