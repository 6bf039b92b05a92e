// SPDX-License-Identifier: MIT
// What is the same on every system; the rest is in linux and windows.
#include "code_memory.h"

#include <cstring>

namespace backplane::x86::interpreter {

const void* CodeMemory::add(std::span<const u8> code) {
  constexpr std::size_t kAlignment = 16;
  const u8* start = executable_ + used_;
  std::memcpy(writable_ + used_, code.data(), code.size());
  used_ += (code.size() + kAlignment - 1) & ~(kAlignment - 1);
  if (used_ > size_) used_ = size_;
  return start;
}

}  // namespace backplane::x86::interpreter
