// SPDX-License-Identifier: MIT
// Bytes that were read once and are kept: a kernel, an initial RAM disk.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/types.h"

namespace backplane::pc {

class Blob {
 public:
  Blob(std::string name, std::vector<u8> bytes)
      : name_(std::move(name)), bytes_(std::move(bytes)) {}

  // Reads a file. Throws Error naming it.
  static std::shared_ptr<const Blob> read_file(const std::string& path);

  const std::string& name() const { return name_; }
  const u8* data() const { return bytes_.data(); }
  u64 size() const { return bytes_.size(); }

  // True if `size` bytes from `offset` are inside.
  bool holds(u64 offset, u64 size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }
  // A little-endian number; 0 where the bytes are not all inside.
  template <class T>
  T number(u64 offset) const {
    T value = 0;
    if (!holds(offset, sizeof(T))) return value;
    for (unsigned i = 0; i < sizeof(T); ++i)
      value |= static_cast<T>(static_cast<T>(bytes_[offset + i]) << i * 8);
    return value;
  }

 private:
  std::string name_;
  std::vector<u8> bytes_;
};

using BlobPtr = std::shared_ptr<const Blob>;

}  // namespace backplane::pc
