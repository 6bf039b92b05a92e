// SPDX-License-Identifier: MIT
#include "block/linux/image_lock.h"

#include <fcntl.h>

#include <cerrno>
#include <optional>

#include "backplane/error.h"
#include "backplane/log.h"
#include "block/image_in_use.h"

namespace backplane {

namespace {

// A lock on the first says "I write", one on the second "nobody else may write".
constexpr off_t kWriting = 101;
constexpr off_t kNoWriters = 201;
// The first of the bytes that programs lock which keep to this; a lock that begins before means
// something else.
constexpr off_t kFirst = 100;

struct flock range(short type, off_t first, off_t last) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = first;
  lock.l_len = last - first + 1;
  return lock;
}

// Who holds a lock on a byte that one of ours for writing would conflict with.
std::optional<ImageUser> holder(int fd, off_t byte) {
  struct flock other = range(F_WRLCK, byte, byte);
  if (fcntl(fd, F_OFD_GETLK, &other) != 0 || other.l_type == F_UNLCK) return std::nullopt;
  if (other.l_start < kFirst)
    return other.l_type == F_RDLCK ? ImageUser::ReadLock : ImageUser::Exclusive;
  return byte == kWriting ? ImageUser::Writer : ImageUser::Reader;
}

// Of several, the one that matters most.
std::optional<ImageUser> holder(int fd) {
  const auto writer = holder(fd, kWriting);
  return writer ? writer : holder(fd, kNoWriters);
}

}  // namespace

void lock_image(int fd, const ImageOptions& options, bool for_writing) {
  struct flock wanted =
      for_writing ? range(F_WRLCK, kWriting, kNoWriters) : range(F_RDLCK, kNoWriters, kNoWriters);
  while (fcntl(fd, F_OFD_SETLK, &wanted) != 0) {
    if (errno != EAGAIN && errno != EACCES) {
      const Error failed = Error::system("cannot lock " + options.file, errno);
      if (options.locking == ImageLocking::On)
        throw Error(failed).with_hint(options.cures.unlocked + " does without");
      log::warn(std::string(failed.what()) + ": nothing keeps other programs from writing to it");
      return;
    }
    // Nobody, if it was let go meanwhile.
    if (const auto user = holder(fd)) throw image_in_use(options, for_writing, *user);
  }
  if (for_writing) return;
  if (const auto writer = holder(fd, kWriting)) throw image_in_use(options, false, *writer);
}

void unlock_image(int fd) {
  struct flock all = range(F_UNLCK, kWriting, kNoWriters);
  fcntl(fd, F_OFD_SETLK, &all);
}

}  // namespace backplane
