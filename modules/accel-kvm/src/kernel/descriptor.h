// SPDX-License-Identifier: MIT
// A file descriptor of the kernel's KVM interface, and calls on it.
#pragma once

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "backplane/error.h"

namespace backplane::kvm {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }

  int fd() const { return fd_; }

  // The result, or a negative errno.
  template <class T>
  int try_call(unsigned long request, T argument) const {
    const int result = ioctl(fd_, request, argument);
    return result < 0 ? -errno : result;
  }
  int try_call(unsigned long request) const { return try_call(request, 0L); }
  // Throws Error with `what` and the system's text.
  template <class T>
  int call(const char* what, unsigned long request, T argument) const {
    const int result = try_call(request, argument);
    if (result < 0) throw Error::system(what, -result);
    return result;
  }
  int call(const char* what, unsigned long request) const { return call(what, request, 0L); }

 private:
  int fd_ = -1;
};

}  // namespace backplane::kvm
