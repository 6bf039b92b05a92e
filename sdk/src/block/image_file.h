// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "backplane/block.h"

namespace backplane {

// One opening of a disk image, and what the host can do with it: a regular file or, on Linux, a
// block device. The operations block; any thread may call them, several at a time. They return 0 or
// a negative errno and expect ranges within size().
class ImageFile {
 public:
  // Opens, examines and, unless options.locking is Off, locks it: until it is closed, no other
  // program writes to it, and if it can be written here, none reads it either. Throws Error.
  explicit ImageFile(const BlockOptions& options);
  ~ImageFile();

  u64 size() const;      // bytes, when it was opened
  u64 size_now() const;  // of a file that somebody may have made shorter or longer since
  bool read_only() const;
  // Transfers bypass the host's cache from now on, where offset, lengths and memory allow it.
  // Throws Error.
  void bypass_cache();

  // A file that has become shorter gives -EIO.
  int read(u64 offset, const std::vector<iovec>& iov) const;
  int write(u64 offset, const std::vector<iovec>& iov) const;
  // What was written before is on stable storage afterwards.
  int sync() const;
  // The range reads as zeroes and takes no room on the disk. -EOPNOTSUPP where that cannot be had.
  int punch_hole(u64 offset, u64 size) const;
  // The range reads as zeroes, without writing them. -EOPNOTSUPP where that cannot be had.
  int zero_range(u64 offset, u64 size) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backplane
