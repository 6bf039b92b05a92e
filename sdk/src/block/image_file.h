// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string>

#include "backplane/io_vector.h"
#include "backplane/types.h"

namespace backplane {

// What a file must be to be the image.
enum class ImageKind { File, Device };

// Auto: a file system without locks gets a warning; On: it is refused.
enum class ImageLocking { Auto, On, Off };

// What of an image's options helps against what can be wrong with it, as the option that names the
// image spells it, for messages.
struct ImageCures {
  std::string read_only = "read-only=on";
  std::string unlocked = "locking=off";
  std::string cached = "cache.direct=off";
  std::string driver = "driver";  // the key alone
};

struct ImageOptions {
  std::string file;  // path
  ImageKind kind = ImageKind::File;
  bool read_only = false;
  bool auto_read_only = false;
  ImageLocking locking = ImageLocking::Auto;
  bool lock_later = false;  // one that can be written is another program's until lock()
  ImageCures cures;
};

// One opening of a disk image, and what the host can do with it: a regular file or, on Linux, a
// block device. The operations block; any thread may call them, several at a time. They return 0 or
// a negative errno and expect ranges within size().
class ImageFile {
 public:
  // Opens, examines and, unless options.locking is Off, locks it: until it is closed, no other
  // program writes to it, and if it can be written here, none reads it either. Throws Error.
  explicit ImageFile(const ImageOptions& options);
  ~ImageFile();
  // Of one that can be written: lets another program lock it; locks it again, which throws Error
  // while one has it. (Windows keeps it locked as long as it is open.)
  void unlock();
  void lock();

  u64 size() const;      // bytes, when it was opened
  u64 size_now() const;  // of a file that somebody may have made shorter or longer since
  bool read_only() const;
  // Transfers bypass the host's cache from now on, where offset, lengths and memory allow it.
  // Throws Error.
  void bypass_cache();

  // The descriptor that such a transfer goes through; -1 on Windows.
  int descriptor(u64 offset, std::span<const iovec> iov) const;
  // A file that has become shorter gives -EIO.
  int read(u64 offset, std::span<const iovec> iov) const;
  int write(u64 offset, std::span<const iovec> iov) const;
  // What is new reads as zeroes. -ENOSPC on a block device, whose size is what it is.
  int resize(u64 size) const;
  // What was written before is on stable storage afterwards.
  int sync() const;
  // What the range begins with: `length` bytes that are stored, or a hole. All is stored where the
  // file system does not say.
  int find_stored(u64 offset, u64 size, u64& length, bool& stored) const;
  // The range reads as zeroes and takes no room on the disk. -EOPNOTSUPP where that cannot be had.
  int punch_hole(u64 offset, u64 size) const;
  // The range reads as zeroes, without writing them. -EOPNOTSUPP where that cannot be had.
  int zero_range(u64 offset, u64 size) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backplane
