// SPDX-License-Identifier: MIT
#include "image.h"

#include <cstring>

extern "C" {
extern const backplane::u8 backplane_native_stub[], backplane_native_stub_end[];
}

namespace backplane::native {
namespace {

u32 word_of_code(unsigned index) {
  u32 word;
  std::memcpy(&word, stub_image().data() + kStubCodeInFile + index * sizeof word, sizeof word);
  return word;
}

}  // namespace

std::span<const u8> stub_image() { return {backplane_native_stub, backplane_native_stub_end}; }
u32 stub_handed_over() { return word_of_code(0); }
u32 stub_returned() { return word_of_code(1); }

}  // namespace backplane::native
