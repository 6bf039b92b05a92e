// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "backplane/block.h"
#include "block/image_file.h"

namespace backplane {

// A raw image, and what the options of its drive make of the requests to it. The operations block;
// any thread may call them, several at a time. They return 0 or a negative errno and expect ranges
// within size().
class RawImage {
 public:
  // Opens and locks it. Throws Error.
  explicit RawImage(const BlockOptions& options);

  u64 size() const { return file_.size(); }
  bool read_only() const { return file_.read_only(); }
  // Whether what is written may be lost until flush().
  bool write_cache() const { return !write_through_; }
  std::string describe() const;
  // Where a result that is not 0 came from, and why.
  std::string explain(int result) const;

  // Beyond the end of a file that has become shorter, this and all that changes the disk gives
  // -EIO.
  int read(u64 offset, const std::vector<iovec>& iov) { return file_.read(offset, iov); }
  int write(u64 offset, const std::vector<iovec>& iov);
  // What was written before is on stable storage afterwards. Once the host has failed to write
  // something back, it has dropped it: every flush fails from then on.
  int flush();
  // The content of the range no longer matters. What cannot be discarded stays.
  int discard(u64 offset, u64 size);
  // The range reads as zeroes afterwards. may_unmap: it need not keep its place on the disk.
  int write_zeroes(u64 offset, u64 size, bool may_unmap);

 private:
  // -EIO if the file has become too short for that, since to write there would make it longer.
  int check_end(u64 offset, u64 size) const;
  int write_zero_data(u64 offset, u64 size);
  int end_of_write(int result);

  std::string path_;
  std::string cache_;
  ImageFile file_;
  bool write_through_;
  bool ignore_flush_;
  bool pass_discards_;
  DetectZeroes detect_zeroes_;
  std::atomic<bool> lost_data_{false};
};

}  // namespace backplane
