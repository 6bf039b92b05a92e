// SPDX-License-Identifier: MIT
#include "x87_image.h"

namespace backplane::x86::debug {

namespace {

enum Tag : u16 { kValid = 0, kZero = 1, kSpecial = 2, kEmpty = 3 };

// Of an extended-precision number.
Tag tag_of(std::span<const u8, 10> bytes) {
  u64 significand = 0;
  u16 exponent = 0;
  std::memcpy(&significand, bytes.data(), sizeof significand);
  std::memcpy(&exponent, bytes.data() + sizeof significand, sizeof exponent);
  exponent &= 0x7fff;
  if (exponent == 0 && significand == 0) return kZero;
  const bool integer_bit = (significand >> 63) != 0;
  return exponent == 0 || exponent == 0x7fff || !integer_bit ? kSpecial : kValid;
}

}  // namespace

u16 full_tags(const X86State& state) {
  if (!in_use(state, Component::X87)) return 0xffff;
  u16 status = 0;
  std::memcpy(&status, state.xsave + kStatusAt, sizeof status);
  const unsigned top = status >> 11 & 7;
  u16 tags = 0;
  for (unsigned n = 0; n < 8; ++n) {
    // The image has registers by their place on the stack, and tags by number.
    const u8* const number = state.xsave + kStackAt + 16 * ((n - top) & 7);
    const bool used = (state.xsave[kTagsAt] >> n & 1) != 0;
    tags |=
        static_cast<u16>((used ? tag_of(std::span<const u8, 10>(number, 10)) : kEmpty) << (2 * n));
  }
  return tags;
}

}  // namespace backplane::x86::debug
