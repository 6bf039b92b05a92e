// SPDX-License-Identifier: MIT
// What is the same on every system; the rest is in linux and windows.
#include "backplane/host_file.h"

#include <algorithm>
#include <cerrno>

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

int HostFile::read_to_end(std::vector<u8>& data, u64 maximum) const {
  constexpr u64 kPiece = 64_KiB;
  data.clear();
  if (size_ > maximum) return EFBIG;
  // The size is only a first guess: a pipe has none, and a file may grow.
  for (u64 done = 0;;) {
    const u64 room = done == 0 ? std::max(size_ + 1, kPiece) : std::max(done, kPiece);
    data.resize(done + room);
    const i64 count = read_next(data.data() + done, room);
    done += static_cast<u64>(std::max<i64>(count, 0));
    if (count <= 0) {
      data.resize(done);
      return static_cast<int>(-count);
    }
    if (done > maximum) return EFBIG;
  }
}

}  // namespace backplane
