// SPDX-License-Identifier: MIT
// Memory for translated code: shared memory mapped twice, written through one address and executed
// through another, never both at one. Where it is written cannot be told from where it is executed.
#pragma once

#include "backplane/types.h"

namespace backplane::tcg {

class CodeBuffer {
 public:
  // Throws Error if the host cannot provide it.
  explicit CodeBuffer(u64 size);
  ~CodeBuffer();
  CodeBuffer(const CodeBuffer&) = delete;
  CodeBuffer& operator=(const CodeBuffer&) = delete;

  u64 size() const { return size_; }
  u8* writable() const { return writable_; }
  const u8* executable() const { return executable_; }

  bool contains(const void* host_pc) const {
    const u8* p = static_cast<const u8*>(host_pc);
    return p >= executable_ && p < executable_ + size_;
  }
  u32 offset_of(const void* host_pc) const {
    return static_cast<u32>(static_cast<const u8*>(host_pc) - executable_);
  }

 private:
  u64 size_;
  u8* writable_ = nullptr;
  u8* executable_ = nullptr;
};

}  // namespace backplane::tcg
