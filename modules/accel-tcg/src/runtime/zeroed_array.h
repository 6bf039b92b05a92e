// SPDX-License-Identifier: MIT
// A table that begins as zeroes, of which only the pages in use cost memory and time.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace backplane::tcg {

// T is a type whose initial value is made of zero bytes.
template <class T>
class ZeroedArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  // Throws std::bad_alloc. Not from the heap, which may have memory that was used before.
  explicit ZeroedArray(std::size_t size) : size_(size) {
    void* const memory = mmap(nullptr, size * sizeof(T), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    elements_ = static_cast<T*>(memory);
  }
  ZeroedArray(ZeroedArray&& other) noexcept
      : size_(std::exchange(other.size_, 0)), elements_(std::exchange(other.elements_, nullptr)) {}
  ZeroedArray& operator=(ZeroedArray&& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(elements_, other.elements_);
    return *this;
  }
  ~ZeroedArray() {
    if (elements_ != nullptr) munmap(elements_, size_ * sizeof(T));
  }

  std::size_t size() const { return size_; }
  T& operator[](std::size_t at) { return elements_[at]; }
  const T& operator[](std::size_t at) const { return elements_[at]; }
  T* begin() { return elements_; }
  T* end() { return elements_ + size_; }

 private:
  std::size_t size_;
  T* elements_ = nullptr;
};

}  // namespace backplane::tcg
