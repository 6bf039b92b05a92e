// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>

namespace backplane {

// Owns one HANDLE of Windows. (Which is a void*; not to include windows.h here.)
class UniqueHandle {
 public:
  UniqueHandle() = default;
  // What Windows gives for none, either way, is none.
  explicit UniqueHandle(void* handle) : handle_(is_none(handle) ? nullptr : handle) {}
  ~UniqueHandle() { reset(); }
  UniqueHandle(UniqueHandle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  UniqueHandle& operator=(UniqueHandle&& other) noexcept {
    if (this != &other) reset(std::exchange(other.handle_, nullptr));
    return *this;
  }

  void* get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }
  void reset(void* handle = nullptr);

 private:
  // INVALID_HANDLE_VALUE is -1.
  static bool is_none(void* handle) {
    return handle == nullptr || handle == reinterpret_cast<void*>(~std::size_t{0});
  }

  void* handle_ = nullptr;
};

}  // namespace backplane
