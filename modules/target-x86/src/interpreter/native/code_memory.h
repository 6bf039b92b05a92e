// SPDX-License-Identifier: MIT
// Memory for generated host code, mapped twice: written at one address, executed at another, so
// that no address is ever both writable and executable.
#pragma once

#include <cstddef>
#include <span>

#include "backplane/types.h"

namespace backplane::x86::interpreter {

class CodeMemory {
 public:
  // Throws Error if the host cannot provide the memory.
  explicit CodeMemory(std::size_t size);
  ~CodeMemory();
  CodeMemory(const CodeMemory&) = delete;
  CodeMemory& operator=(const CodeMemory&) = delete;

  std::size_t room() const { return size_ - used_; }
  // Where the copy of `code` can be executed. It fits: see room().
  const void* add(std::span<const u8> code);
  void clear() { used_ = 0; }

 private:
  std::size_t size_;
  std::size_t used_ = 0;
  u8* writable_ = nullptr;
  const u8* executable_ = nullptr;
};

}  // namespace backplane::x86::interpreter
