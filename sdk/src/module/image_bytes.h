// SPDX-License-Identifier: MIT
// The bytes of a file that may be anything, read piece by piece and never outside it.
#pragma once

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "backplane/error.h"
#include "backplane/host_file.h"
#include "backplane/types.h"

namespace backplane {

class ImageBytes {
 public:
  virtual ~ImageBytes() = default;

  u64 size() const { return size_; }

  // True if [offset, offset + length) lies inside.
  bool contains(u64 offset, u64 length) const {
    return offset <= size_ && length <= size_ - offset;
  }

  // Copies a range. `what` names it in the Error thrown if it lies outside or cannot be read.
  void read(u64 offset, void* out, std::size_t length, std::string_view what) const;
  std::string read_text(u64 offset, std::size_t length, std::string_view what) const;
  template <class T>
  T read_as(u64 offset, std::string_view what) const {
    T value;
    read(offset, &value, sizeof value, what);
    return value;
  }
  template <class T>
  std::vector<T> read_array(u64 offset, std::size_t count, std::string_view what) const {
    std::vector<T> values(count);
    if (count != 0) read(offset, values.data(), count * sizeof(T), what);
    return values;
  }
  // The NUL-terminated string at `offset`, which must end before `end`.
  std::string read_string(u64 offset, u64 end, std::string_view what) const;

 protected:
  explicit ImageBytes(u64 size) : size_(size) {}
  // Copies a range that lies inside; throws Error if the system cannot.
  virtual void copy(u64 offset, void* out, std::size_t length) const = 0;

 private:
  u64 size_;
};

class MemoryImage final : public ImageBytes {
 public:
  MemoryImage(const void* data, std::size_t size)
      : ImageBytes(size), data_(static_cast<const std::byte*>(data)) {}

 protected:
  void copy(u64 offset, void* out, std::size_t length) const override {
    std::memcpy(out, data_ + offset, length);
  }

 private:
  const std::byte* data_;
};

// A regular file. One that shrinks meanwhile is an Error, not a signal. What is read is kept by
// pages, since what an object file declares lies close together.
class FileImage final : public ImageBytes {
 public:
  // Throws Error (without the path) if it cannot be opened or is not a regular file.
  static FileImage open(const std::filesystem::path& path);

  const HostFile& file() const { return file_; }
  HostFile release() && { return std::move(file_); }

 protected:
  void copy(u64 offset, void* out, std::size_t length) const override;

 private:
  explicit FileImage(HostFile file) : ImageBytes(file.size()), file_(std::move(file)) {}

  const std::vector<u8>& page(u64 number) const;

  HostFile file_;
  mutable std::map<u64, std::vector<u8>> pages_;  // by number; shorter at the end of the file
};

}  // namespace backplane
