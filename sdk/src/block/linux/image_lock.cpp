// SPDX-License-Identifier: MIT
#include "block/linux/image_lock.h"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

#include "backplane/error.h"
#include "backplane/log.h"

namespace backplane {

namespace {

// A lock on the first says "I write", one on the second "nobody else may write".
constexpr off_t kWriting = 101;
constexpr off_t kNoWriters = 201;

struct flock range(short type, off_t first, off_t last) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = first;
  lock.l_len = last - first + 1;
  return lock;
}

}  // namespace

void lock_image(int fd, const std::string& path, bool for_writing) {
  struct flock wanted =
      for_writing ? range(F_WRLCK, kWriting, kNoWriters) : range(F_RDLCK, kNoWriters, kNoWriters);
  bool in_use = false;
  if (fcntl(fd, F_OFD_SETLK, &wanted) != 0) {
    in_use = errno == EAGAIN || errno == EACCES;
    if (!in_use) {
      log::warn("cannot lock " + path + ": " + std::generic_category().message(errno) +
                ": nothing keeps other programs from writing to it");
      return;
    }
  } else if (!for_writing) {
    struct flock writer = range(F_WRLCK, kWriting, kWriting);
    in_use = fcntl(fd, F_OFD_GETLK, &writer) == 0 && writer.l_type != F_UNLCK;
  }
  if (in_use)
    throw Error(path + " is locked: another process uses it, or another drive of this one",
                for_writing ? "with read-only=on everywhere, several can read one image"
                            : "an image that is being written cannot be read as well");
}

}  // namespace backplane
