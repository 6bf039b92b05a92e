// SPDX-License-Identifier: MIT
// Looks for instructions that would answer ring 3 with what is the host's and not the guest's,
// without a trap.
#pragma once

#include <optional>
#include <span>

#include "backplane/memory.h"
#include "backplane/types.h"

namespace backplane::native {

// A page of code, copied, with what is in front of it and behind it as far as that is known.
class CodeWindow {
 public:
  // The neighbouring pages, or nothing.
  void set(std::span<const u8> before, std::span<const u8> page, std::span<const u8> behind);
  std::span<const u8> bytes() const { return {bytes_, size_}; }
  unsigned before() const { return before_; }

 private:
  static constexpr unsigned kAround = 80;
  unsigned before_ = 0, size_ = 0;
  u8 bytes_[kAround + kPageSize + kAround];
};

// The offset in the window of the opcode of one that lies in the page, or that ends there; of one
// that goes on behind what is known, the next page will tell. Bytes that look like one within
// another instruction are none: who jumps into the middle of an instruction to execute them is
// answered by the host.
std::optional<unsigned> find_banned(const CodeWindow& window);

}  // namespace backplane::native
