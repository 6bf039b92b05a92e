// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <string>
#include <vector>

#include "backplane/block.h"
#include "file/linux/unique_fd.h"

namespace backplane {

// A raw image over a regular file or a block device of the host, and what one can do with it. The
// operations block; any thread may call them, several at a time. They return 0 or a negative errno
// and expect ranges within size().
class RawImage {
 public:
  // Opens and locks it. Throws Error.
  explicit RawImage(const BlockOptions& options);

  u64 size() const { return size_; }
  bool read_only() const { return read_only_; }
  // Whether what is written may be lost until flush().
  bool write_cache() const { return !write_through_; }
  std::string describe() const;

  // A file that has become shorter gives -EIO.
  int read(u64 offset, const std::vector<iovec>& iov);
  int write(u64 offset, const std::vector<iovec>& iov);
  // What was written before is on stable storage afterwards. Once the host has failed to write
  // something back, it has dropped it: every flush fails from then on.
  int flush();
  // The content of the range no longer matters. What cannot be discarded stays.
  int discard(u64 offset, u64 size);
  // The range reads as zeroes afterwards. may_unmap: it need not keep its place on the disk.
  int write_zeroes(u64 offset, u64 size, bool may_unmap);

 private:
  void open_file(const BlockOptions& options);
  void open_direct();
  // Direct I/O where offset, length and memory allow it.
  int fd_for(u64 offset, const std::vector<iovec>& iov) const;
  int write_data(u64 offset, const std::vector<iovec>& iov);
  int write_zero_data(u64 offset, u64 size);
  int end_of_write(int result);

  std::string path_;
  std::string cache_;
  UniqueFd fd_;
  UniqueFd direct_fd_;  // bypasses the host's page cache, if the mode asks for it
  u64 size_ = 0;
  u64 direct_memory_alignment_ = 0;
  u64 direct_offset_alignment_ = 0;
  bool read_only_ = false;
  bool write_through_ = false;
  bool ignore_flush_ = false;
  bool pass_discards_ = true;
  bool detect_zeroes_ = false;
  std::atomic<bool> lost_data_{false};
};

}  // namespace backplane
