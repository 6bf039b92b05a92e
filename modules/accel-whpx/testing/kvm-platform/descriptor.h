// SPDX-License-Identifier: MIT
// A file descriptor of KVM's.
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <utility>

namespace kvm_platform {

// What every function of the library turns into E_FAIL.
struct Failure : std::runtime_error {
  explicit Failure(const std::string& what) : std::runtime_error(what) {}
};

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {
    if (fd_ < 0) throw Failure("no descriptor");
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

  // The result, or -1.
  template <class T>
  int attempt(unsigned long request, T argument) const {
    return ioctl(fd_, request, argument);
  }
  template <class T>
  int call(unsigned long request, T argument) const {
    const int result = attempt(request, argument);
    if (result < 0) throw Failure("KVM refuses request " + std::to_string(request));
    return result;
  }

 private:
  int fd_ = -1;
};

}  // namespace kvm_platform
