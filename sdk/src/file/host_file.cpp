// SPDX-License-Identifier: MIT
// What is the same on every system; the rest is in linux and windows.
#include "backplane/host_file.h"

namespace backplane {

HostFile& HostFile::operator=(HostFile&& other) noexcept {
  if (this == &other) return *this;
  close();
  handle_ = std::exchange(other.handle_, kNone);
  kind_ = other.kind_;
  size_ = other.size_;
  mode_ = other.mode_;
  return *this;
}

}  // namespace backplane
