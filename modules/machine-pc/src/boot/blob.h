// SPDX-License-Identifier: MIT
// The bytes of a kernel or an initial RAM disk, wherever they are kept.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/host_file.h"
#include "backplane/types.h"

namespace backplane::pc {

// Immutable. A file is open as long as this is, and read when needed; one that was replaced
// meanwhile does not matter.
class Blob {
 public:
  // How large a file may be, and what that is: "all the RAM that the machine has".
  struct Limit {
    u64 bytes;
    std::string_view what;
  };

  // Opens a file; what a pipe or a device gives is read at once. Throws Error. `name` is what
  // messages call it ("-kernel vmlinuz").
  static std::shared_ptr<const Blob> open_file(const std::string& path, const std::string& name,
                                               const Limit& limit);
  Blob(std::string name, std::vector<u8> bytes);
  Blob(const Blob&) = delete;
  Blob& operator=(const Blob&) = delete;

  const std::string& name() const { return name_; }
  u64 size() const { return size_; }

  // True if `size` bytes from `offset` are inside.
  bool holds(u64 offset, u64 size) const { return offset <= size_ && size <= size_ - offset; }
  // Copies bytes that are inside. Throws Error if the file has become shorter or cannot be read.
  void read(u64 offset, void* data, u64 size) const;
  std::vector<u8> read(u64 offset, u64 size) const;

  // A little-endian number; 0 where the bytes are not all inside.
  template <class T>
  T number(u64 offset) const {
    u8 bytes[sizeof(T)] = {};
    if (holds(offset, sizeof(T))) read(offset, bytes, sizeof(T));
    T value = 0;
    for (unsigned i = 0; i < sizeof(T); ++i)
      value |= static_cast<T>(static_cast<T>(bytes[i]) << i * 8);
    return value;
  }

 private:
  explicit Blob(std::string name) : name_(std::move(name)) {}

  std::string name_;
  u64 size_ = 0;
  // All of it, or, of a file, the beginning: headers are looked at often.
  std::vector<u8> beginning_;
  HostFile file_;
};

using BlobPtr = std::shared_ptr<const Blob>;

}  // namespace backplane::pc
