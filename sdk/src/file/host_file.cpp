// SPDX-License-Identifier: MIT
// What is the same on every system; the rest is in linux and windows.
#include "backplane/host_file.h"

#include <algorithm>
#include <cerrno>

#include "backplane/memory.h"
#include "memory/ram_mapping.h"

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

int HostFile::read_to_ram(const std::string& name, u64 maximum, std::shared_ptr<RamBlock>& ram,
                          u64& size) const {
  ram.reset();
  size = 0;
  if (size_ == 0) {  // or so the system says
    std::vector<u8> bytes;
    if (const int error = read_to_end(bytes, maximum); error != 0) return error;
    size = bytes.size();
    if (size == 0) return 0;
    ram = std::make_shared<RamBlock>(name, size);
    std::copy(bytes.begin(), bytes.end(), ram->host());
    return 0;
  }
  if (size_ > maximum) return EFBIG;
  ram = std::make_shared<RamBlock>(name, size_);
  const i64 count = read_into_ram({.host = ram->host(), .fd = ram->fd()}, *this, size_);
  if (count < 0) return static_cast<int>(-count);
  size = static_cast<u64>(count);
  return 0;
}

}  // namespace backplane
