// SPDX-License-Identifier: MIT
#include "block/linux/vectored_io.h"

#include <limits.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace backplane {

namespace {

// The kernel moves no more than this at a time, and reports a longer list as an error.
constexpr u64 kMaximumTransfer = 1_GiB;
constexpr std::size_t kMaximumPieces = IOV_MAX;

// A position in a list of buffers.
class Cursor {
 public:
  explicit Cursor(std::span<const iovec> iov) : iov_(iov) { skip_empty(); }

  bool at_end() const { return index_ == iov_.size(); }
  void advance(std::size_t bytes) {
    while (bytes != 0) {
      const std::size_t step = std::min(bytes, iov_[index_].iov_len - within_);
      within_ += step;
      bytes -= step;
      skip_empty();
    }
  }
  // The next pieces, as many as one call takes.
  const std::vector<iovec>& next() {
    pieces_.clear();
    u64 size = 0;
    std::size_t within = within_;
    for (std::size_t i = index_;
         i < iov_.size() && pieces_.size() < kMaximumPieces && size < kMaximumTransfer; ++i) {
      const std::size_t length = std::min<u64>(iov_[i].iov_len - within, kMaximumTransfer - size);
      pieces_.push_back({static_cast<u8*>(iov_[i].iov_base) + within, length});
      size += length;
      within = 0;
    }
    return pieces_;
  }

 private:
  void skip_empty() {
    while (index_ < iov_.size() && within_ == iov_[index_].iov_len) {
      ++index_;
      within_ = 0;
    }
  }

  std::span<const iovec> iov_;
  std::vector<iovec> pieces_;
  std::size_t index_ = 0;
  std::size_t within_ = 0;
};

template <class Transfer>
int transfer_fully(u64 offset, std::span<const iovec> iov, Transfer transfer) {
  for (Cursor cursor(iov); !cursor.at_end();) {
    const auto& pieces = cursor.next();
    const ssize_t moved =
        transfer(pieces.data(), static_cast<int>(pieces.size()), static_cast<off_t>(offset));
    if (moved < 0) {
      if (errno == EINTR) continue;
      return -errno;
    }
    if (moved == 0) return -EIO;
    offset += static_cast<u64>(moved);
    cursor.advance(static_cast<std::size_t>(moved));
  }
  return 0;
}

}  // namespace

int read_fully(int fd, u64 offset, std::span<const iovec> iov) {
  return transfer_fully(offset, iov, [fd](const iovec* pieces, int count, off_t at) {
    return preadv(fd, pieces, count, at);
  });
}

int write_fully(int fd, u64 offset, std::span<const iovec> iov) {
  return transfer_fully(offset, iov, [fd](const iovec* pieces, int count, off_t at) {
    return pwritev(fd, pieces, count, at);
  });
}

}  // namespace backplane
